// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/call_frames.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/cursor.h"

namespace sonde {
namespace {

// DW_EH_PE_*: how an address is written, and what it is relative to.
constexpr unsigned form_mask = 0x0f, relation_mask = 0x70, indirect = 0x80;
enum Form : unsigned { absolute = 0, uleb = 1, u16 = 2, u32 = 3, u64 = 4, sleb = 9, s16 = 10, s32 = 11, s64 = 12 };
constexpr unsigned relative_to_place = 0x10;
constexpr unsigned omitted = 0xff;

// Of augmentations: a signal's frame, a key that addresses are signed with.
constexpr std::string_view letters_without_data = "SB";

constexpr std::size_t most_remembered = 32;
constexpr std::uint64_t longest_expression = 4096;

// DW_CFA_*
enum Operation : unsigned {
  advance_loc = 0x40,
  offset = 0x80,
  restore = 0xc0,
  nop = 0,
  set_loc,
  advance_loc1,
  advance_loc2,
  advance_loc4,
  offset_extended,
  restore_extended,
  undefined,
  same_value,
  in_register,
  remember_state,
  restore_state,
  def_cfa,
  def_cfa_register,
  def_cfa_offset,
  def_cfa_expression,
  expression,
  offset_extended_sf,
  def_cfa_sf,
  def_cfa_offset_sf,
  val_offset,
  val_offset_sf,
  val_expression,
  negate_return_address = 0x2d,  // arm64: it is signed from here on; on others the windows of SPARC
  args_size = 0x2e,
  negative_offset_extended = 0x2f,
};

// `section`: address of the first byte that `from` reads.
std::optional<std::uint64_t> encoded_address(Cursor& from, unsigned encoding, std::uint64_t section) {
  const std::uint64_t place = section + from.at();
  const auto widened = [](auto value) { return static_cast<std::uint64_t>(static_cast<std::int64_t>(value)); };
  std::uint64_t value = 0;
  switch (encoding & form_mask) {
    case absolute:
    case u64:
    case s64:
      value = from.take<std::uint64_t>();
      break;
    case u16:
      value = from.take<std::uint16_t>();
      break;
    case u32:
      value = from.take<std::uint32_t>();
      break;
    case s16:
      value = widened(from.take<std::int16_t>());
      break;
    case s32:
      value = widened(from.take<std::int32_t>());
      break;
    case uleb:
      value = from.uleb();
      break;
    case sleb:
      value = widened(from.sleb());
      break;
    default:
      return std::nullopt;
  }
  if (!from.good() || encoding & indirect) return std::nullopt;
  if ((encoding & relation_mask) == relative_to_place) return value + place;
  return encoding & relation_mask ? std::nullopt : std::optional(value);
}

std::int64_t scaled(std::uint64_t factor, std::int64_t unit) {
  return static_cast<std::int64_t>(factor * static_cast<std::uint64_t>(unit));
}

}  // namespace

/// Follows the instructions of one function up to an address.
class CallFrames::Interpreter {
 public:
  Interpreter(const CallFrames& frames, const Common& common, std::uint64_t start, std::uint64_t end,
              std::uint64_t wanted)
      : frames_(frames), common_(common), location_(start), start_(start), end_(end), wanted_(wanted) {}

  // False if they make no sense, or are of a kind that is not known here.
  bool run_common() {
    const bool good = run(common_.instructions, common_.end);
    initial_ = state_;
    return good;
  }
  bool run(std::uint64_t at, std::uint64_t end) {
    Cursor from(frames_.bytes_, at, end);
    while (!from.done() && !there_)
      if (!step(from) || !from.good()) return false;
    return true;
  }
  [[nodiscard]] UnwindRow row() const {
    UnwindRow row{start_, end_, state_.cfa, {}, {}, static_cast<std::uint32_t>(common_.return_column), common_.signal};
    keep_expression(row.cfa, row);
    for (const auto& rule : state_.registers) {
      if (!rule) continue;
      row.rules.push_back(*rule);
      keep_expression(row.rules.back(), row);
    }
    return row;
  }

 private:
  struct State {
    UnwindRule cfa;
    std::array<std::optional<UnwindRule>, unwind_registers> registers{};
  };

  void keep_expression(UnwindRule& rule, UnwindRow& row) const {
    if (rule.kind != UnwindRule::expression && rule.kind != UnwindRule::saved_at_expression) return;
    const auto bytes = part(frames_.bytes_, static_cast<std::uint64_t>(rule.offset), rule.size);
    rule.offset = static_cast<std::int64_t>(row.expressions.size());
    row.expressions.append(bytes);
  }

  // What follows holds from there on.
  void advance(std::uint64_t to) {
    if (to > wanted_) {
      end_ = std::min(end_, to);
      there_ = true;
      return;
    }
    location_ = to;
    start_ = std::max(start_, to);
  }
  void advance_by(std::uint64_t units) { advance(location_ + units * common_.code_unit); }

  void set(std::uint64_t number, UnwindRule::Kind kind, std::int64_t offset = 0, std::uint64_t base = 0) {
    if (number >= unwind_registers || base >= unwind_registers) return;  // of vectors and the like: nobody asks
    state_.registers[number] =
        UnwindRule{kind, static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(base), 0, 0, offset};
  }
  void set_saved(std::uint64_t number, std::int64_t offset) { set(number, UnwindRule::saved, offset); }
  void forget(std::uint64_t number) {
    if (number < unwind_registers) state_.registers[number] = initial_.registers[number];
  }
  bool set_cfa(std::uint64_t base, std::int64_t offset) {
    if (base >= unwind_registers) return false;
    state_.cfa = {UnwindRule::sum, 0, static_cast<std::uint8_t>(base), 0, 0, offset};
    return true;
  }
  static UnwindRule take_expression(Cursor& from, UnwindRule::Kind kind, std::uint64_t number) {
    const std::uint64_t size = from.uleb();
    UnwindRule rule{kind, static_cast<std::uint8_t>(number), 0,
                    0,    static_cast<std::uint32_t>(size),  static_cast<std::int64_t>(from.at())};
    if (size > longest_expression)
      from.fail();
    else
      from.skip(size);
    return rule;
  }
  void set_expression(Cursor& from, UnwindRule::Kind kind) {
    const std::uint64_t number = from.uleb();
    const UnwindRule rule = take_expression(from, kind, number);
    if (number < unwind_registers) state_.registers[number] = rule;
  }

  bool step(Cursor& from) {
    const unsigned byte = from.take<std::uint8_t>(), low = byte & 0x3f;
    switch (byte & 0xc0) {
      case advance_loc:
        advance_by(low);
        return true;
      case offset:
        set_saved(low, scaled(from.uleb(), common_.data_unit));
        return true;
      case restore:
        forget(low);
        return true;
      default:
        return step_about_places(from, byte);
    }
  }

  bool step_about_places(Cursor& from, unsigned operation) {
    switch (operation) {
      case nop:
      case negate_return_address:  // the bits of the signature are left out of any address
        return true;
      case set_loc: {
        const auto to = encoded_address(from, common_.encoding, frames_.address_);
        if (to) advance(*to);
        return to.has_value();
      }
      case advance_loc1:
        advance_by(from.take<std::uint8_t>());
        return true;
      case advance_loc2:
        advance_by(from.take<std::uint16_t>());
        return true;
      case advance_loc4:
        advance_by(from.take<std::uint32_t>());
        return true;
      case args_size:
        from.uleb();
        return true;
      case remember_state:
        if (remembered_.size() >= most_remembered) return false;
        remembered_.push_back(state_);
        return true;
      case restore_state:
        if (remembered_.empty()) return false;
        state_ = remembered_.back();
        remembered_.pop_back();
        return true;
      default:
        return operation >= def_cfa && operation <= def_cfa_expression ? step_about_cfa(from, operation)
                                                                       : step_about_registers(from, operation);
    }
  }

  bool step_about_cfa(Cursor& from, unsigned operation) {
    if (operation == def_cfa_expression) {
      state_.cfa = take_expression(from, UnwindRule::expression, 0);
      return true;
    }
    if (operation == def_cfa) {
      const std::uint64_t base = from.uleb();
      return set_cfa(base, scaled(from.uleb(), 1));
    }
    if (state_.cfa.kind != UnwindRule::sum) return false;
    return operation == def_cfa_register ? set_cfa(from.uleb(), state_.cfa.offset)
                                         : set_cfa(state_.cfa.base, scaled(from.uleb(), 1));
  }

  bool step_about_registers(Cursor& from, unsigned operation) {
    const auto signed_offset = [&] { return scaled(static_cast<std::uint64_t>(from.sleb()), common_.data_unit); };
    if (operation == def_cfa_offset_sf)
      return state_.cfa.kind == UnwindRule::sum && set_cfa(state_.cfa.base, signed_offset());
    if (operation == expression || operation == val_expression) {
      set_expression(from, operation == expression ? UnwindRule::saved_at_expression : UnwindRule::expression);
      return true;
    }
    const std::uint64_t number = from.uleb();
    switch (operation) {
      case offset_extended:
        set_saved(number, scaled(from.uleb(), common_.data_unit));
        return true;
      case offset_extended_sf:
        set_saved(number, signed_offset());
        return true;
      case negative_offset_extended:
        set_saved(number, scaled(0 - from.uleb(), common_.data_unit));
        return true;
      case restore_extended:
        forget(number);
        return true;
      case undefined:
        set(number, UnwindRule::undefined);
        return true;
      case same_value:
        set(number, UnwindRule::same);
        return true;
      case in_register: {
        const std::uint64_t base = from.uleb();
        if (base >= unwind_registers)
          set(number, UnwindRule::undefined);
        else
          set(number, UnwindRule::moved, 0, base);
        return true;
      }
      case def_cfa_sf:
        return set_cfa(number, signed_offset());
      case val_offset:
        set(number, UnwindRule::sum, scaled(from.uleb(), common_.data_unit));
        return true;
      case val_offset_sf:
        set(number, UnwindRule::sum, signed_offset());
        return true;
      default:
        return false;
    }
  }

  const CallFrames& frames_;
  const Common& common_;
  std::uint64_t location_, start_, end_, wanted_;
  bool there_ = false;
  State state_, initial_;
  std::vector<State> remembered_;
};

CallFrames::CallFrames(std::string_view bytes, std::uint64_t address, Format format)
    : bytes_(bytes), address_(address), format_(format) {
  read_entries();
  std::sort(functions_.begin(), functions_.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
}

void CallFrames::read_entries() {
  constexpr std::uint32_t wide = UINT32_MAX;  // 64 bits of length: of sections beyond 4 GiB
  for (std::uint64_t at = 0; at < bytes_.size();) {
    Cursor from(bytes_, at, bytes_.size());
    const std::uint32_t length = from.take<std::uint32_t>();
    const std::uint64_t end = from.at() + length;
    if (!from.good() || length == wide || end > bytes_.size()) return;
    const std::uint64_t id_at = from.at();
    const std::uint32_t id = length ? from.take<std::uint32_t>() : 0;  // of length 0: the end of one file's part
    if (length && from.good() && !is_common(id)) add_function(at, end, common_of(id_at, id));
    at = end;
  }
}

// In .eh_frame it is said how far back, in .debug_frame where.
std::uint64_t CallFrames::common_of(std::uint64_t at, std::uint32_t id) const {
  return format_ == Format::eh_frame ? at - id : id;
}

void CallFrames::add_function(std::uint64_t at, std::uint64_t end, std::uint64_t common) {
  const Common& known = common_at(common);
  if (!known.good) return;
  Cursor from(bytes_, at + 2 * sizeof(std::uint32_t), end);
  const auto start = encoded_address(from, known.encoding, address_);
  const auto size = encoded_address(from, known.encoding & form_mask, 0);
  if (!start || !size || !*size || *start + *size < *start) return;
  functions_.push_back({*start, *start + *size, at});
}

const CallFrames::Common& CallFrames::common_at(std::uint64_t at) {
  const auto known = common_.find(at);
  return known != common_.end() ? known->second : common_.emplace(at, read_common(at)).first->second;
}

CallFrames::Common CallFrames::read_common(std::uint64_t at) const {
  Common common;
  Cursor from(bytes_, at, bytes_.size());
  const std::uint32_t length = from.take<std::uint32_t>();
  common.end = from.at() + length;
  const std::uint32_t id = from.take<std::uint32_t>();
  if (!from.good() || !is_common(id) || common.end > bytes_.size()) return common;
  from = Cursor(bytes_, from.at(), common.end);
  const unsigned version = from.take<std::uint8_t>();
  const std::string_view letters = from.text();
  if (version == 4 && (from.take<std::uint8_t>() != sizeof(std::uint64_t) || from.take<std::uint8_t>() != 0))
    return common;  // of another width, or with segments
  common.code_unit = from.uleb();
  common.data_unit = from.sleb();
  common.return_column = version == 1 ? from.take<std::uint8_t>() : from.uleb();
  common.sized = letters.starts_with('z');
  if (common.sized) {
    const std::uint64_t size = from.uleb(), body = from.at();
    from.skip(size);
    read_augmentation(letters.substr(1), common, body, from.at());
  } else {
    common.signal = letters.find('S') != letters.npos;
  }
  common.instructions = from.at();
  const bool understood = common.sized || letters.find_first_not_of(letters_without_data) == letters.npos;
  common.good = from.good() && understood && common.encoding != omitted && common.return_column < unwind_registers;
  return common;
}

void CallFrames::read_augmentation(std::string_view letters, Common& common, std::uint64_t at,
                                   std::uint64_t end) const {
  Cursor from(bytes_, at, end);
  for (const char letter : letters) {
    if (letter == 'S') common.signal = true;
    if (letter == 'L') from.take<std::uint8_t>();
    if (letter == 'R') common.encoding = from.take<std::uint8_t>();
    if (letter != 'P') continue;
    const unsigned encoding = from.take<std::uint8_t>();
    encoded_address(from, encoding & form_mask, 0);
  }
  if (!from.good()) common.encoding = omitted;
}

UnwindRow CallFrames::find(std::uint64_t address) const {
  const auto next = std::upper_bound(functions_.begin(), functions_.end(), address,
                                     [](std::uint64_t a, const Function& f) { return a < f.start; });
  UnwindRow unknown;
  unknown.end = next == functions_.end() ? UINT64_MAX : next->start;
  if (next == functions_.begin()) return unknown;
  const Function& function = *(next - 1);
  unknown.start = function.end;
  if (address >= function.end) return unknown;
  unknown.start = function.start;
  unknown.end = function.end;

  Cursor from(bytes_, function.at, bytes_.size());
  const std::uint32_t length = from.take<std::uint32_t>();
  const std::uint64_t id_at = from.at(), end = id_at + length;
  const auto known = common_.find(common_of(id_at, from.take<std::uint32_t>()));
  if (known == common_.end()) return unknown;
  const Common& common = known->second;
  encoded_address(from, common.encoding, address_);
  encoded_address(from, common.encoding & form_mask, 0);
  if (common.sized) from.skip(from.uleb());
  Interpreter interpreter(*this, common, function.start, function.end, address);
  if (!from.good() || !interpreter.run_common() || !interpreter.run(from.at(), end)) return unknown;
  return interpreter.row();
}

}  // namespace sonde
