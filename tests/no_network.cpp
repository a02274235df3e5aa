// SPDX-License-Identifier: GPL-2.0-or-later
// gtest can send its results to a host, which nobody does here. Looking up the host would link the C library's name
// service into static programs, and the linker warns of that once a program, at each build.
#include <netdb.h>

int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) { return EAI_FAIL; }

void freeaddrinfo(addrinfo*) noexcept {}
