// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sonde::test {

/// A JSON value, read strictly: whole, UTF-8, and no key twice. Reading what is not there gives null, 0, "" or {}.
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;
  using Data = std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object>;

  Json() = default;
  explicit Json(Data data) : data_(std::move(data)) {}
  /// Throws std::runtime_error that quotes the text.
  static Json parse(std::string_view text);

  [[nodiscard]] bool null() const { return std::holds_alternative<std::monostate>(data_); }
  [[nodiscard]] bool is_true() const { return get<bool>(); }
  [[nodiscard]] bool is_text() const { return std::holds_alternative<std::string>(data_); }
  [[nodiscard]] bool is_integer() const { return std::holds_alternative<std::int64_t>(data_); }
  [[nodiscard]] bool is_object() const { return std::holds_alternative<Object>(data_); }

  [[nodiscard]] std::int64_t number() const { return get<std::int64_t>(); }
  [[nodiscard]] const std::string& text() const { return get<std::string>(); }
  [[nodiscard]] const Array& items() const { return get<Array>(); }
  [[nodiscard]] const Object& members() const { return get<Object>(); }
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  const Json& operator[](std::string_view key) const;

  friend std::ostream& operator<<(std::ostream& out, const Json& json);

 private:
  template <class T>
  const T& get() const {
    static const T nothing{};
    const T* held = std::get_if<T>(&data_);
    return held ? *held : nothing;
  }
  [[nodiscard]] const Json* find(std::string_view key) const;

  Data data_;
};

}  // namespace sonde::test
