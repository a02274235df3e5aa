// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace sonde {

/// A function's name as its author wrote it: C++ (_Z…), Rust (_R…, and the older _ZN…17h…E). What is neither comes back
/// as it is, and so does what cannot be read, or would become longer than `most` bytes.
std::string demangled(std::string_view symbol, std::size_t most = 1024);

/// Rust's mangling of before 2021, which passes for C++'s: "_ZN4core3fmt5write17h0123456789abcdefE". Empty: it is not.
std::string demangled_rust_legacy(std::string_view symbol);

/// Rust's own mangling (RFC 2603), without the disambiguators and hashes. Empty: it is not, or not well formed.
std::string demangled_rust_v0(std::string_view symbol, std::size_t most);

}  // namespace sonde
