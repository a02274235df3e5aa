// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/column.h"

namespace sonde {

/// The columns of a tool whose rows are made from objects of type E. Base is the rest of the tool.
template <class E, class Base>
class Columned : public Base {
 public:
  using Base::Base;

  [[nodiscard]] std::vector<const ColumnInfo*> columns() const final {
    std::vector<const ColumnInfo*> all;
    for (const auto& column : columns_) all.push_back(&column);
    return all;
  }

 protected:
  using Get = std::function<Value(const E&)>;

  void add(ColumnInfo column, Get get) { columns_.push_back({std::move(column), std::move(get)}); }

  /// For options: a column is shown where nothing is said of it, or not.
  void show(std::string_view key, bool standard = true) {
    for (auto& column : columns_)
      if (column.key == key) column.standard = standard;
  }
  void show(std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) show(key);
  }

  [[nodiscard]] Value value(const E& object, std::size_t column) const { return columns_[column].get(object); }
  /// One Value for each of the chosen columns.
  void fill_values(const E& object, std::span<const std::size_t> chosen, std::span<Value> values) const {
    for (std::size_t i = 0; i < chosen.size(); ++i) values[i] = value(object, chosen[i]);
  }

 private:
  std::vector<Column<E>> columns_;
};

}  // namespace sonde
