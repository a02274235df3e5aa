// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/btf.h"

#include <linux/btf.h>

#include "core/bytes.h"

namespace sonde {
namespace {

constexpr std::size_t longest_name = 512;  // KSYM_NAME_LEN
constexpr unsigned most_steps = 128;       // types that one type's spelling visits: they may lead in circles

}  // namespace

std::optional<std::size_t> btf_tail(unsigned kind, unsigned length) {
  switch (kind) {
    case BTF_KIND_PTR:
    case BTF_KIND_FWD:
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_CONST:
    case BTF_KIND_RESTRICT:
    case BTF_KIND_FUNC:
    case BTF_KIND_FLOAT:
    case BTF_KIND_TYPE_TAG:
      return 0;
    case BTF_KIND_INT:
    case BTF_KIND_VAR:
    case BTF_KIND_DECL_TAG:
      return 4;
    case BTF_KIND_ARRAY:
      return sizeof(btf_array);
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      return length * sizeof(btf_member);
    case BTF_KIND_ENUM:
      return length * sizeof(btf_enum);
    case BTF_KIND_ENUM64:
      return length * sizeof(btf_enum64);
    case BTF_KIND_FUNC_PROTO:
      return length * sizeof(btf_param);
    case BTF_KIND_DATASEC:
      return length * sizeof(btf_var_secinfo);
    default:
      return std::nullopt;
  }
}

std::optional<BtfSections> btf_sections(std::string_view bytes) {
  const auto header = read_at<btf_header>(bytes, 0);
  if (!header || header->magic != BTF_MAGIC || header->version != BTF_VERSION) return std::nullopt;
  const std::uint64_t types = std::uint64_t{header->hdr_len} + header->type_off;
  const std::uint64_t strings = std::uint64_t{header->hdr_len} + header->str_off;
  if (types + header->type_len > bytes.size() || strings + header->str_len > bytes.size() || types % 4)
    return std::nullopt;
  return BtfSections{part(bytes, types, header->type_len), part(bytes, strings, header->str_len)};
}

std::optional<Btf> Btf::read(std::string_view bytes, const Btf* base) {
  const auto sections = btf_sections(bytes);
  if (!sections) return std::nullopt;
  Btf btf;
  btf.base_ = base;
  btf.types_ = sections->types;
  btf.strings_ = sections->strings;
  if (base) btf.strings_start_ = base->strings_start_ + static_cast<std::uint32_t>(base->strings_.size());
  btf.offsets_.reserve(btf.types_.size() / 24);  // about the mean size of a type
  for (std::size_t at = 0; at < btf.types_.size();) {
    const auto type = read_at<btf_type>(btf.types_, at);
    if (!type) return std::nullopt;
    const auto tail = btf_tail(BTF_INFO_KIND(type->info), BTF_INFO_VLEN(type->info));
    if (!tail || *tail > btf.types_.size() - at - sizeof(btf_type)) return std::nullopt;
    btf.offsets_.push_back(static_cast<std::uint32_t>(at));
    at += sizeof(btf_type) + *tail;
  }
  return btf;
}

std::optional<Btf::Type> Btf::find(std::uint32_t id) const {
  if (id < first_id()) return base_ ? base_->find(id) : std::nullopt;
  if (id >= end_id()) return std::nullopt;
  const std::size_t at = offsets_[id - first_id()];
  const auto type = read_at<btf_type>(types_, at);
  if (!type) return std::nullopt;
  return Type{type->name_off, type->info, type->type, at + sizeof(btf_type), this};
}

std::string_view Btf::text(std::uint32_t offset) const {
  if (offset < strings_start_) return base_->text(offset);
  return text_at(strings_, offset - strings_start_, longest_name);
}

std::vector<Btf::Named> Btf::named(unsigned kind, std::string_view prefix) const {
  std::vector<Named> found;
  for (std::uint32_t id = first_id(); id < end_id(); ++id) {
    const auto type = find(id);
    if (!type || type->kind() != kind) continue;
    const std::string_view name = text(type->name);
    if (!name.empty() && name.starts_with(prefix)) found.push_back({name, id});
  }
  return found;
}

std::vector<Btf::Named> Btf::functions() const { return named(BTF_KIND_FUNC, {}); }

std::vector<Btf::Named> Btf::typedefs(std::string_view prefix) const { return named(BTF_KIND_TYPEDEF, prefix); }

std::vector<Btf::Parameter> Btf::parameters(const Type& type) const {
  std::vector<Parameter> all;
  for (unsigned i = 0; i < type.length(); ++i) {
    const auto parameter = read_at<btf_param>(type.home->types_, type.tail + i * sizeof(btf_param));
    if (!parameter) break;
    all.push_back({text(parameter->name_off), parameter->type});
  }
  return all;
}

std::optional<Btf::Prototype> Btf::prototype(std::uint32_t id) const {
  for (unsigned step = 0; step < most_steps; ++step) {
    const auto type = find(id);
    if (!type) return std::nullopt;
    switch (type->kind()) {
      case BTF_KIND_FUNC_PROTO:
        return Prototype{type->size_or_type, parameters(*type)};
      case BTF_KIND_FUNC:
      case BTF_KIND_TYPEDEF:
      case BTF_KIND_PTR:
        id = type->size_or_type;
        break;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

// C puts a type around what it declares, so one type is spelled from the inside out: `declarator` is what there is so
// far, `qualifiers` belong to what comes next.
class Btf::Speller {
 public:
  explicit Speller(const Btf& btf) : btf_(btf) {}

  std::string spell(std::uint32_t id, unsigned depth) {
    declarator_.clear();
    qualifiers_.clear();
    while (id != 0) {
      const auto type = btf_.find(id);
      if (!type || ++steps_ > most_steps) return "...";
      if (!wrap(*type, depth)) return whole(named(*type));
      id = next_;
    }
    return whole("void");
  }

 private:
  // True if the type stands around another one, which is then next_.
  bool wrap(const Type& type, unsigned depth) {
    next_ = type.size_or_type;
    switch (type.kind()) {
      case BTF_KIND_PTR:
        if (!qualifiers_.empty() && declarator_.empty()) qualifiers_.pop_back();
        declarator_ = "*" + qualifiers_ + declarator_;
        qualifiers_.clear();
        return true;
      case BTF_KIND_CONST:
        qualifiers_ += "const ";
        return true;
      case BTF_KIND_VOLATILE:
        qualifiers_ += "volatile ";
        return true;
      case BTF_KIND_RESTRICT:
      case BTF_KIND_TYPE_TAG:
      case BTF_KIND_FUNC:
        return true;
      case BTF_KIND_ARRAY:
        return wrap_array(type);
      case BTF_KIND_FUNC_PROTO:
        wrap_prototype(type, depth);
        return true;
      default:
        return false;
    }
  }

  void set_apart() {
    if (declarator_.starts_with('*')) declarator_ = "(" + declarator_ + ")";
  }

  bool wrap_array(const Type& type) {
    const auto array = read_at<btf_array>(type.home->types_, type.tail);
    set_apart();
    declarator_ += array && array->nelems ? "[" + std::to_string(array->nelems) + "]" : "[]";
    next_ = array ? array->type : 0;
    return true;
  }

  void wrap_prototype(const Type& type, unsigned depth) {
    constexpr unsigned deepest = 3;
    set_apart();
    std::string list;
    for (const auto& parameter : btf_.parameters(type)) {
      if (!list.empty()) list += ", ";
      if (steps_ >= most_steps || depth >= deepest) {
        list += "...";
        break;
      }
      Speller inner(btf_);
      inner.steps_ = steps_;
      list += inner.spell(parameter.type, depth + 1);
      steps_ = inner.steps_;
    }
    declarator_ += "(" + (list.empty() ? "void" : list) + ")";
    qualifiers_.clear();
  }

  [[nodiscard]] std::string named(const Type& type) const {
    const std::string name(btf_.text(type.name));
    switch (type.kind()) {
      case BTF_KIND_STRUCT:
        return "struct " + (name.empty() ? "{...}" : name);
      case BTF_KIND_UNION:
        return "union " + (name.empty() ? "{...}" : name);
      case BTF_KIND_ENUM:
      case BTF_KIND_ENUM64:
        return "enum " + (name.empty() ? "{...}" : name);
      case BTF_KIND_FWD:
        return (BTF_INFO_KFLAG(type.info) ? "union " : "struct ") + name;
      default:
        return name.empty() ? "..." : name;
    }
  }

  [[nodiscard]] std::string whole(const std::string& name) const {
    const bool space = declarator_.starts_with('*') || declarator_.starts_with('(');
    return qualifiers_ + name + (space ? " " : "") + declarator_;
  }

  const Btf& btf_;
  unsigned steps_ = 0;
  std::uint32_t next_ = 0;
  std::string declarator_, qualifiers_;
};

std::string Btf::type(std::uint32_t id) const { return Speller(*this).spell(id, 0); }

}  // namespace sonde
