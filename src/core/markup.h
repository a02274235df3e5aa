// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/output.h"

namespace sonde {

/// Writes untrusted bytes as text of HTML or XML, also within an attribute in quotes: printable as graph_text() has it,
/// with < > & " ' as references. What comes out is well-formed whatever the bytes are.
void put_markup(Output& out, std::string_view bytes);

/// Writes them as a JSON string of ASCII that can stand in a script element of HTML and of XML: printable as
/// graph_text() has it, and nothing in it can begin or end an element, a comment or a CDATA section.
void put_script_string(Output& out, std::string_view bytes);

}  // namespace sonde
