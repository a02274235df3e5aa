// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sonde {

/// The two parts of BTF (Documentation/bpf/btf.rst), within the bytes that are there.
struct BtfSections {
  std::string_view types, strings;
};
/// Empty if that is no BTF of the version that we know.
std::optional<BtfSections> btf_sections(std::string_view bytes);

/// Bytes behind the fixed part of a type; empty for a kind that is newer than this code.
std::optional<std::size_t> btf_tail(unsigned kind, unsigned length);

/// The types of the kernel or of one of its modules, from bytes that need not be true. Points into them.
class Btf {
 public:
  /// `base`: the kernel's own types, which those of a module continue; it outlives this. Empty if not understood.
  static std::optional<Btf> read(std::string_view bytes, const Btf* base = nullptr);

  struct Named {
    std::string_view name;
    std::uint32_t id = 0;
  };
  /// Functions, without those of the base.
  [[nodiscard]] std::vector<Named> functions() const;
  /// Typedefs whose names begin with `prefix`, without those of the base.
  [[nodiscard]] std::vector<Named> typedefs(std::string_view prefix) const;

  struct Parameter {
    std::string_view name;  ///< empty where it has none
    std::uint32_t type = 0;
  };
  struct Prototype {
    std::uint32_t result = 0;
    std::vector<Parameter> parameters;
  };
  /// Of a function, or of what a typedef or pointer leads to.
  [[nodiscard]] std::optional<Prototype> prototype(std::uint32_t id) const;

  /// A type as C writes it: "const char *", "char[16]", "int (*)(void *)". Of bounded length.
  [[nodiscard]] std::string type(std::uint32_t id) const;

 private:
  class Speller;
  struct Type {
    std::uint32_t name = 0, info = 0, size_or_type = 0;
    std::size_t tail = 0;  // offset of what is behind it
    const Btf* home = nullptr;
    [[nodiscard]] unsigned kind() const { return info >> 24 & 0x1f; }
    [[nodiscard]] unsigned length() const { return info & 0xffff; }
  };

  [[nodiscard]] std::uint32_t first_id() const { return base_ ? base_->end_id() : 1; }
  [[nodiscard]] std::uint32_t end_id() const { return first_id() + static_cast<std::uint32_t>(offsets_.size()); }
  [[nodiscard]] std::optional<Type> find(std::uint32_t id) const;
  [[nodiscard]] std::string_view text(std::uint32_t offset) const;
  [[nodiscard]] std::vector<Named> named(unsigned kind, std::string_view prefix) const;
  [[nodiscard]] std::vector<Parameter> parameters(const Type& type) const;

  const Btf* base_ = nullptr;
  std::string_view types_, strings_;
  std::uint32_t strings_start_ = 0;     // what the base's strings take up
  std::vector<std::uint32_t> offsets_;  // of each type of its own
};

}  // namespace sonde
