// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sonde {

/// Seven bits a byte, the lowest first.
inline void put_varint(std::string& to, std::uint64_t v) {
  for (; v > 0x7f; v >>= 7) to.push_back(static_cast<char>(v | 0x80));
  to.push_back(static_cast<char>(v));
}

/// A message in the wire format of Protocol Buffers, written field by field. Numbers of fields are those of its .proto;
/// nothing is checked against one.
class ProtoMessage {
 public:
  void natural(unsigned field, std::uint64_t v) {
    put_varint(bytes_, field << 3);
    put_varint(bytes_, v);
  }
  /// int32 and int64: a negative one takes ten bytes.
  void integer(unsigned field, std::int64_t v) { natural(field, static_cast<std::uint64_t>(v)); }
  /// string, bytes, a message, or packed numbers.
  void bytes(unsigned field, std::string_view v) {
    put_varint(bytes_, field << 3 | 2);
    put_varint(bytes_, v.size());
    bytes_.append(v);
  }
  void message(unsigned field, const ProtoMessage& v) { bytes(field, v.bytes_); }
  /// The same for packed numbers, which are left out if there are none.
  void packed(unsigned field, std::string_view v) {
    if (!v.empty()) bytes(field, v);
  }

  /// The fields of another one, behind those that are here.
  void append(const ProtoMessage& fields) { bytes_.append(fields.bytes_); }

  /// A message within this one, shorter than 128 bytes, whose fields are written between begin_short() and end_short().
  [[nodiscard]] std::size_t begin_short(unsigned field) {
    put_varint(bytes_, field << 3 | 2);
    bytes_.push_back(0);
    return bytes_.size();
  }
  void end_short(std::size_t begin) { bytes_[begin - 1] = static_cast<char>(bytes_.size() - begin); }

  [[nodiscard]] std::string_view view() const { return bytes_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  /// Keeps the memory.
  void clear() { bytes_.clear(); }

 private:
  std::string bytes_;
};

}  // namespace sonde
