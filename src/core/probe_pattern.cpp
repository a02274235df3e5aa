// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/probe_pattern.h"

#include "core/error.h"

namespace sonde {
namespace {

struct Alias {
  std::string_view name;
  ProbeKind kind;
};

// Those of bpftrace, too; what watches the return is listed as what watches the call.
constexpr std::array aliases{
    Alias{"kprobe", ProbeKind::kprobe},
    Alias{"k", ProbeKind::kprobe},
    Alias{"kretprobe", ProbeKind::kprobe},
    Alias{"kr", ProbeKind::kprobe},
    Alias{"fentry", ProbeKind::fentry},
    Alias{"f", ProbeKind::fentry},
    Alias{"fexit", ProbeKind::fentry},
    Alias{"fr", ProbeKind::fentry},
    Alias{"kfunc", ProbeKind::fentry},
    Alias{"kretfunc", ProbeKind::fentry},
    Alias{"tracepoint", ProbeKind::tracepoint},
    Alias{"t", ProbeKind::tracepoint},
    Alias{"raw_tp", ProbeKind::raw_tp},
    Alias{"rt", ProbeKind::raw_tp},
    Alias{"rawtracepoint", ProbeKind::raw_tp},
    Alias{"tp_btf", ProbeKind::raw_tp},
    Alias{"raw_tracepoint", ProbeKind::raw_tp},
    Alias{"software", ProbeKind::software},
    Alias{"s", ProbeKind::software},
    Alias{"uprobe", ProbeKind::uprobe},
    Alias{"u", ProbeKind::uprobe},
    Alias{"uretprobe", ProbeKind::uprobe},
    Alias{"ur", ProbeKind::uprobe},
    Alias{"usdt", ProbeKind::usdt},
    Alias{"U", ProbeKind::usdt},
};

std::optional<ProbeKind> kind_named(std::string_view name) {
  for (const auto& alias : aliases)
    if (alias.name == name) return alias.kind;
  return std::nullopt;
}

bool lies_in_binary(ProbeKind kind) { return kind == ProbeKind::uprobe || kind == ProbeKind::usdt; }

}  // namespace

std::string_view name_of(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::kprobe:
      return "kprobe";
    case ProbeKind::fentry:
      return "fentry";
    case ProbeKind::tracepoint:
      return "tracepoint";
    case ProbeKind::raw_tp:
      return "raw_tp";
    case ProbeKind::software:
      return "software";
    case ProbeKind::uprobe:
      return "uprobe";
    case ProbeKind::usdt:
      return "usdt";
  }
  return {};
}

ProbePattern ProbePattern::parse(std::string_view text) {
  ProbePattern pattern;
  const std::size_t colon = text.find(':');
  pattern.kind_ = kind_named(text.substr(0, colon));
  if (colon == text.npos && pattern.kind_ && text != name_of(*pattern.kind_)) pattern.kind_.reset();  // a name like "s"
  if (pattern.kind_) text = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  if (pattern.kind_ && lies_in_binary(*pattern.kind_)) {
    const std::size_t end = text.find(':');
    pattern.binary_ = text.substr(0, end);
    text = end == text.npos ? "*" : text.substr(end + 1);
    const std::string kind(name_of(*pattern.kind_));
    if (pattern.binary_.empty() || pattern.binary_ == "*")
      throw Error(Exit::usage, "A " + kind + " is in a binary, which is not named.",
                  "Give a path or a name, as in " + kind + ":libc:*.");
  }
  pattern.set_glob(text.empty() ? "*" : text);
  return pattern;
}

void ProbePattern::set_glob(std::string_view glob) {
  glob_text_ = glob;
  // Functions of Go have colons in their names.
  grouped_ = kind_ != ProbeKind::uprobe && glob.find(':') != glob.npos;
  // Names of C++ functions are longer than a glob can be.
  if (glob.find_first_of("*?[\\") != glob.npos) glob_ = Glob::compile(glob);
}

bool ProbePattern::wants(ProbeKind kind) const { return kind_ ? *kind_ == kind : !lies_in_binary(kind); }

bool ProbePattern::matches(std::string_view group, std::string_view name) const {
  if (glob_text_ == "*") return true;
  if (!grouped_) return glob_ ? glob_->matches(name) : glob_text_ == name;
  const std::string whole = std::string(group) + ":" + std::string(name);
  return glob_ ? glob_->matches(whole) : glob_text_ == whole;
}

ProbePattern ProbePattern::with(std::string_view glob) const {
  ProbePattern other;
  other.kind_ = kind_;
  other.binary_ = binary_;
  other.set_glob(glob);
  return other;
}

std::string ProbePattern::text() const {
  std::string whole;
  if (kind_) whole.append(name_of(*kind_)).append(":");
  if (!binary_.empty()) whole += binary_ + ":";
  return whole + glob_text_;
}

}  // namespace sonde
