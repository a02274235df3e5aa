// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/unwind.h"

#include <utility>
#include <vector>

#include "core/cursor.h"
#include "lib/abi.h"

namespace sonde {
namespace {

constexpr std::uint64_t word_size = sizeof(std::uint64_t);
constexpr std::array<std::uint8_t, 8> x86_64_registers{16, 7, 6, 3, 12, 13, 14, 15};
constexpr std::array<std::uint8_t, 14> arm64_registers{32, 31, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30};
constexpr std::uint64_t all_bits = UINT64_MAX, low_48_bits = (std::uint64_t{1} << 48) - 1;

// DW_OP_*
enum Operation : unsigned {
  addr = 0x03,
  deref = 0x06,
  const1u = 0x08,
  const1s,
  const2u,
  const2s,
  const4u,
  const4s,
  const8u,
  const8s,
  constu,
  consts,
  dup,
  drop,
  over,
  pick,
  swap,
  rot,
  op_abs = 0x19,
  op_and,
  op_div,
  minus,
  mod,
  mul,
  neg,
  op_not,
  op_or,
  plus,
  plus_uconst,
  shl,
  shr,
  shra,
  op_xor,
  bra,
  eq,
  ge,
  gt,
  le,
  lt,
  ne,
  skip,
  lit0 = 0x30,
  lit31 = 0x4f,
  breg0 = 0x70,
  breg31 = 0x8f,
  bregx = 0x92,
  op_nop = 0x96,
};

constexpr unsigned most_steps = 256;
constexpr std::size_t deepest = 64;

std::uint64_t widened(std::int64_t value) { return static_cast<std::uint64_t>(value); }
std::int64_t as_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

// What two numbers come to; `b` was the upper one.
std::optional<std::uint64_t> binary(unsigned operation, std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t bits = 64;
  switch (operation) {
    case op_and:
      return a & b;
    case op_div:
      if (b == 0 || (as_signed(a) == INT64_MIN && as_signed(b) == -1)) return std::nullopt;
      return widened(as_signed(a) / as_signed(b));
    case minus:
      return a - b;
    case mod:
      return b ? std::optional(a % b) : std::nullopt;
    case mul:
      return a * b;
    case op_or:
      return a | b;
    case plus:
      return a + b;
    case shl:
      return b < bits ? a << b : 0;
    case shr:
      return b < bits ? a >> b : 0;
    case shra:
      return widened(as_signed(a) >> (b < bits ? b : bits - 1));
    case op_xor:
      return a ^ b;
    case eq:
      return a == b;
    case ge:
      return as_signed(a) >= as_signed(b);
    case gt:
      return as_signed(a) > as_signed(b);
    case le:
      return as_signed(a) <= as_signed(b);
    case lt:
      return as_signed(a) < as_signed(b);
    case ne:
      return a != b;
    default:
      return std::nullopt;
  }
}

class Evaluation {
 public:
  Evaluation(std::string_view expression, const Registers& registers, const StackPiece& stack)
      : expression_(expression), from_(expression, 0, expression.size()), registers_(registers), stack_(stack) {}

  std::optional<std::uint64_t> run(std::optional<std::uint64_t> first) {
    if (first) push(*first);
    for (unsigned i = 0; i < most_steps && !from_.done(); ++i)
      if (!step(from_.take<std::uint8_t>()) || !from_.good()) return std::nullopt;
    return from_.good() && from_.done() ? pop() : std::nullopt;
  }

 private:
  bool push(std::optional<std::uint64_t> value) {
    if (!value || numbers_.size() >= deepest) return false;
    numbers_.push_back(*value);
    return true;
  }
  std::optional<std::uint64_t> pop() {
    if (numbers_.empty()) return std::nullopt;
    const std::uint64_t top = numbers_.back();
    numbers_.pop_back();
    return top;
  }
  [[nodiscard]] std::optional<std::uint64_t> nth(std::size_t below) const {
    return below < numbers_.size() ? std::optional(numbers_[numbers_.size() - 1 - below]) : std::nullopt;
  }
  bool push_register(std::uint64_t number) {
    const std::uint64_t offset = widened(from_.sleb());
    const auto value = registers_.get(number);
    return value && push(*value + offset);
  }
  bool jump(bool really) {
    const std::uint64_t to = widened(from_.take<std::int16_t>()) + from_.at();
    if (really) from_ = Cursor(expression_, to, expression_.size());
    return from_.good();
  }

  bool step(unsigned operation) {
    if (operation >= lit0 && operation <= lit31) return push(operation - lit0);
    if (operation >= breg0 && operation <= breg31) return push_register(operation - breg0);
    switch (operation) {
      case op_nop:
        return true;
      case bregx:
        return push_register(from_.uleb());
      case skip:
        return jump(true);
      case bra: {
        const auto condition = pop();
        return condition && jump(*condition != 0);
      }
      default:
        return operation <= consts ? step_constant(operation) : step_stack(operation);
    }
  }

  bool step_constant(unsigned operation) {
    switch (operation) {
      case addr:
      case const8u:
      case const8s:
        return push(from_.take<std::uint64_t>());
      case deref: {
        const auto address = pop();
        return address && push(stack_.word(*address));
      }
      case const1u:
        return push(from_.take<std::uint8_t>());
      case const1s:
        return push(widened(from_.take<std::int8_t>()));
      case const2u:
        return push(from_.take<std::uint16_t>());
      case const2s:
        return push(widened(from_.take<std::int16_t>()));
      case const4u:
        return push(from_.take<std::uint32_t>());
      case const4s:
        return push(widened(from_.take<std::int32_t>()));
      case constu:
        return push(from_.uleb());
      case consts:
        return push(widened(from_.sleb()));
      default:
        return false;
    }
  }

  bool step_stack(unsigned operation) {
    switch (operation) {
      case dup:
        return push(nth(0));
      case over:
        return push(nth(1));
      case pick:
        return push(nth(from_.take<std::uint8_t>()));
      case drop:
        return pop().has_value();
      case swap:
        if (numbers_.size() < 2) return false;
        std::swap(numbers_.end()[-1], numbers_.end()[-2]);
        return true;
      case rot: {
        if (numbers_.size() < 3) return false;
        const std::uint64_t top = numbers_.back();
        numbers_.pop_back();
        numbers_.insert(numbers_.end() - 2, top);
        return true;
      }
      default:
        break;
    }
    const auto top = pop();
    if (!top) return false;
    switch (operation) {
      case op_abs:
        return push(as_signed(*top) < 0 ? 0 - *top : *top);
      case neg:
        return push(0 - *top);
      case op_not:
        return push(~*top);
      case plus_uconst:
        return push(*top + from_.uleb());
      default: {
        const auto below = pop();
        return below && push(binary(operation, *below, *top));
      }
    }
  }

  std::string_view expression_;
  Cursor from_;
  const Registers& registers_;
  const StackPiece& stack_;
  std::vector<std::uint64_t> numbers_;
};

class Unwinder {
 public:
  Unwinder(const CopiedStack& copied, const FindRow& find, const Machine& machine)
      : find_(find), machine_(machine), was_cut_(copied.stack.size() >= STACK_COPY) {
    for (std::size_t i = 0; i < machine.recorded.size() && i < copied.registers.size(); ++i)
      registers_.set(machine.recorded[i], copied.registers[i]);
    stack_ = {registers_.get(machine.sp).value_or(0), copied.stack};
    chain_.pid = copied.pid;
    chain_.time = copied.time;
  }

  UserChain run() {
    while (chain_.addresses.size() < most_frames && add_frame()) {
    }
    return std::move(chain_);
  }

 private:
  // False where it ends.
  bool add_frame() {
    const std::uint64_t ip = registers_.get(machine_.ip).value_or(0) & machine_.address_bits;
    if (!ip) return false;
    chain_.addresses.push_back(ip);
    chain_.how.push_back(exact_ ? UserChain::exact : std::uint8_t{0});
    const UnwindRow* row = find_(exact_ ? ip : ip - 1);
    if (!row && chain_.addresses.size() > 1) return false;  // no code: nothing that was called from
    if (row && row->known()) return follow(*row);
    chain_.how.back() |= UserChain::by_frame_pointer;
    return follow_frame_pointer();
  }

  std::optional<std::uint64_t> word(std::uint64_t address) {
    const auto found = stack_.word(address);
    if (!found) chain_.end = was_cut_ && stack_.ends_before(address) ? UserChain::End::cut : UserChain::End::broken;
    return found;
  }

  bool broken() {
    if (chain_.end == UserChain::End::unknown) chain_.end = UserChain::End::broken;
    return false;
  }

  static std::string_view expression_of(const UnwindRow& row, const UnwindRule& rule) {
    return part(row.expressions, static_cast<std::uint64_t>(rule.offset), rule.size);
  }

  std::optional<std::uint64_t> cfa_of(const UnwindRow& row) {
    if (row.cfa.kind == UnwindRule::expression)
      return evaluate(expression_of(row, row.cfa), registers_, stack_, std::nullopt);
    const auto base = registers_.get(row.cfa.base);
    if (row.cfa.kind != UnwindRule::sum || !base) return std::nullopt;
    return *base + static_cast<std::uint64_t>(row.cfa.offset);
  }

  std::optional<std::uint64_t> value_of(const UnwindRow& row, const UnwindRule& rule, std::uint64_t cfa) {
    const std::uint64_t at = cfa + static_cast<std::uint64_t>(rule.offset);
    switch (rule.kind) {
      case UnwindRule::same:
        return registers_.get(rule.of);
      case UnwindRule::saved:
        return stack_.word(at);
      case UnwindRule::sum:
        return at;
      case UnwindRule::moved:
        return registers_.get(rule.base);
      case UnwindRule::expression:
        return evaluate(expression_of(row, rule), registers_, stack_, cfa);
      case UnwindRule::saved_at_expression: {
        const auto address = evaluate(expression_of(row, rule), registers_, stack_, cfa);
        return address ? stack_.word(*address) : std::nullopt;
      }
      default:
        return std::nullopt;
    }
  }

  // Where the address that is returned to cannot be had, the reason may be that the copy ends before it.
  bool no_return(const UnwindRule* rule, std::uint64_t cfa) {
    if (rule && rule->kind == UnwindRule::undefined) {
      chain_.end = UserChain::End::start;
      return false;
    }
    if (rule && rule->kind == UnwindRule::saved) word(cfa + static_cast<std::uint64_t>(rule->offset));
    return broken();
  }

  bool follow(const UnwindRow& row) {
    const std::uint64_t sp = registers_.get(machine_.sp).value_or(0);
    const auto cfa = cfa_of(row);
    if (!cfa) return broken();
    Registers caller = registers_;
    caller.set(machine_.sp, *cfa);
    const UnwindRule* returns = nullptr;
    for (const auto& rule : row.rules) {
      caller.set(rule.of, value_of(row, rule, *cfa));
      if (rule.of == row.return_column) returns = &rule;
    }
    const auto ip = caller.get(row.return_column);
    if (!ip || !(returns || row.return_column != machine_.ip)) return no_return(returns, *cfa);
    // A stack gets shorter from each function to its caller, but where a signal changed it. One that was just entered,
    // or interrupted, may have put nothing there.
    const bool moved = exact_ ? *cfa >= sp : *cfa > sp;
    if (!row.signal && !moved) return broken();
    caller.set(machine_.ip, *ip);
    registers_ = caller;
    exact_ = row.signal;
    return true;
  }

  // A frame is the pointer to the caller's and the address that is returned to. What else there was is not known.
  bool follow_frame_pointer() {
    const auto fp = registers_.get(machine_.fp), sp = registers_.get(machine_.sp);
    if (!fp || !sp || *fp < *sp || *fp % word_size) return broken();
    const auto next = word(*fp), ip = word(*fp + word_size);
    if (!next || !ip) return broken();
    Registers caller;
    caller.set(machine_.fp, next);
    caller.set(machine_.ip, ip);
    caller.set(machine_.sp, *fp + 2 * word_size);
    registers_ = caller;
    exact_ = false;
    return true;
  }

  const FindRow& find_;
  const Machine& machine_;
  bool was_cut_;
  bool exact_ = true;  // the address is where it was stopped, not where a call returns to
  Registers registers_;
  StackPiece stack_;
  UserChain chain_;
};

}  // namespace

const Machine Machine::x86_64{16, 7, 6, x86_64_registers, all_bits};
const Machine Machine::arm64{32, 31, 29, arm64_registers, low_48_bits};

const Machine& Machine::native() {
#if defined(__aarch64__)
  return arm64;
#else
  return x86_64;
#endif
}

std::optional<std::uint64_t> StackPiece::word(std::uint64_t address) const {
  return address < start ? std::nullopt : read_at<std::uint64_t>(bytes, address - start);
}

std::optional<std::uint64_t> evaluate(std::string_view expression, const Registers& registers, const StackPiece& stack,
                                      std::optional<std::uint64_t> first) {
  return Evaluation(expression, registers, stack).run(first);
}

UserChain unwind(const CopiedStack& copied, const FindRow& find, const Machine& machine) {
  return Unwinder(copied, find, machine).run();
}

}  // namespace sonde
