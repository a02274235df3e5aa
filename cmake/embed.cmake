# SPDX-License-Identifier: GPL-2.0-or-later
# cmake -D HEADER=file.h -D FILES="name=path|name=path" -P embed.cmake: writes a header in which each file is a string,
# `name`, with its digest as Content-Security-Policy has it, `name_digest`: "sha256-" and base64.
set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

function(base64 hex out) # of 32 bytes: 42 digits by six bits, the last by four, and one =
  set(text "")
  foreach(i RANGE 0 60 3)
    string(SUBSTRING "${hex}0" ${i} 3 part)
    math(EXPR high "0x${part} >> 6")
    math(EXPR low "0x${part} & 63")
    string(SUBSTRING "${alphabet}" ${high} 1 a)
    string(SUBSTRING "${alphabet}" ${low} 1 b)
    string(APPEND text "${a}${b}")
  endforeach()
  string(SUBSTRING "${hex}" 63 1 part)
  math(EXPR last "0x${part} << 2")
  string(SUBSTRING "${alphabet}" ${last} 1 a)
  set(${out} "sha256-${text}${a}=" PARENT_SCOPE)
endfunction()

set(header "// Made by cmake/embed.cmake.\n#pragma once\n\n#include <string_view>\n\nnamespace sonde::embedded {\n\n")
string(REPLACE "|" ";" FILES "${FILES}")
foreach(file ${FILES})
  string(REGEX MATCH "^([^=]*)=(.*)$" _ "${file}")
  set(name "${CMAKE_MATCH_1}")
  file(READ "${CMAKE_MATCH_2}" text)
  file(SHA256 "${CMAKE_MATCH_2}" hex)
  base64("${hex}" digest)
  string(APPEND header "inline constexpr std::string_view ${name} = R\"~embed~(${text})~embed~\";\n")
  string(APPEND header "inline constexpr std::string_view ${name}_digest = \"${digest}\";\n\n")
endforeach()
file(WRITE "${HEADER}" "${header}}  // namespace sonde::embedded\n")
