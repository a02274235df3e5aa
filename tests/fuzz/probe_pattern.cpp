// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/probe_pattern.h"

#include "core/error.h"
#include "require.h"
#include "targets.h"

namespace sonde::fuzz {
namespace {

bool understood(std::string_view text) {
  try {
    static_cast<void>(ProbePattern::parse(text));
    return true;
  } catch (const Error& error) {
    require(error.code() == Exit::usage && !error.cause().empty());
    return false;
  }
}

}  // namespace

// The first line is the pattern, the second the name that it is held against.
void probe_pattern(std::string_view bytes) {
  const auto end = bytes.find('\n');
  const auto text = bytes.substr(0, end), name = end == bytes.npos ? "open" : bytes.substr(end + 1);
  if (!understood(text)) return;
  const auto pattern = ProbePattern::parse(text);
  const bool matched = pattern.matches("group", name);
  if (pattern.literal() && pattern.glob().find(':') == std::string::npos) require(matched == (pattern.glob() == name));
  require(ProbePattern::parse(pattern.text()).text() == pattern.text());
}

}  // namespace sonde::fuzz
