// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

namespace sonde::kernel {

/// What an error of the kernel's means to the reader: a phrase, never a bare number.
std::string phrase(int error);

/// What would help against it: a sentence.
std::string remedy(int error);

/// A phrase with a capital and a period.
std::string sentence(std::string phrase);

/// And the other way round, to be a part of another sentence.
std::string phrase_of(std::string sentence);

/// True for the errors by which the kernel says that it might, but this process may not.
bool is_refusal(int error);

/// Whether the kernel lets nobody read its memory. It refuses programs that do with EINVAL, as though it knew no
/// better.
bool is_locked_down();

/// Who said no to something that wants these capabilities, as far as that can be told from here, and what would help.
struct Refuser {
  std::string phrase;  ///< "CAP_BPF is missing"
  std::string remedy;  ///< a sentence
};
Refuser refuser(const std::vector<std::string>& missing_capabilities);

}  // namespace sonde::kernel
