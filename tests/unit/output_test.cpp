// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string>
#include <thread>

#include "core/error.h"
#include "written.h"

namespace sonde {
namespace {

using test::Written;

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    close_reader();
    close(ends[1]);
  }
  void close_reader() {
    if (ends[0] >= 0) close(ends[0]);
    ends[0] = -1;
  }
  int ends[2] = {-1, -1};
};

std::string read_until_end(int fd, std::size_t size) {
  std::string text;
  char buffer[4096];
  while (text.size() < size) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

TEST(Output, FormatsNumbers) {
  Written written;
  for (const std::uint64_t v : {0UL, 9UL, 10UL, 99UL, 100UL, 12345UL, UINT64_MAX}) {
    written.out.put_natural(v);
    written.out.put(' ');
  }
  for (const std::int64_t v : {INT64_MIN, -10L, -1L, 0L, 7L, INT64_MAX}) {
    written.out.put_integer(v);
    written.out.put(' ');
  }
  EXPECT_EQ(written.text(),
            "0 9 10 99 100 12345 18446744073709551615 "
            "-9223372036854775808 -10 -1 0 7 9223372036854775807 ");
}

TEST(Output, PadsNumbersWithZeros) {
  Written written;
  written.out.put_padded(7, 6);
  written.out.put('|');
  written.out.put_padded(1234567, 6);
  written.out.put('|');
  written.out.put_padded(0, 1);
  EXPECT_EQ(written.text(), "000007|1234567|0");
}

TEST(Output, PutsSpaces) {
  for (const int n : {-3, 0, 1, 31, 32, 33, 200}) {
    Written roomy;
    Written narrow(7);
    roomy.out.put_spaces(n);
    narrow.out.put_spaces(n);
    const std::string expected(static_cast<std::size_t>(n < 0 ? 0 : n), ' ');
    EXPECT_EQ(roomy.text(), expected);
    EXPECT_EQ(narrow.text(), expected);
  }
}

TEST(Output, KeepsEverythingWhateverTheBufferSize) {
  for (const std::size_t capacity : {0UL, 1UL, 2UL, 7UL, 64UL}) {
    Written written(capacity);
    std::string expected;
    for (std::uint64_t i = 0; i < 300; ++i) {
      const std::string text(static_cast<std::size_t>(i % 23), static_cast<char>('a' + i % 26));
      written.out.put(text);
      written.out.put_natural(i);
      written.out.put('\n');
      expected += text + std::to_string(i) + '\n';
      ASSERT_EQ(written.out.position(), expected.size());
    }
    EXPECT_EQ(written.text(), expected);
  }
}

TEST(Output, WritesNothingBeforeFlush) {
  Written written;
  written.out.put("row");
  EXPECT_EQ(written.flushed(), "");
  EXPECT_EQ(written.out.position(), 3U);
  written.out.flush();
  EXPECT_EQ(written.flushed(), "row");
  EXPECT_EQ(written.out.position(), 3U);
}

TEST(Output, TakesAnEmptyView) {
  Written written;
  written.out.put(std::string_view{});
  EXPECT_EQ(written.text(), "");
}

TEST(Output, ClosedPipeIsNotAnError) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  pipe.close_reader();
  Output out(pipe.ends[1], "stdout");
  out.put("row");
  EXPECT_THROW(out.flush(), OutputClosed);
  EXPECT_NO_THROW(out.flush()) << "what was refused must not be written again";
}

TEST(Output, FullDiskNamesTheFile) {
  const int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  Output out(fd, "'rows.json'");
  out.put("row");
  try {
    out.flush();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Exit::run_time);
    EXPECT_EQ(error.cause(), "Cannot write to 'rows.json': No space left on device.");
    EXPECT_NE(error.remedy(), "");
    EXPECT_EQ(error.detail(), "ENOSPC");
  }
  close(fd);
}

TEST(Output, BadDescriptorIsAnError) {
  Output out(-1, "nowhere");
  out.put('x');
  EXPECT_THROW(out.flush(), Error);
}

TEST(Output, SurvivesSignalsAndPartialWrites) {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART
  sigaction(SIGUSR1, &action, nullptr);
  Pipe pipe;
  const std::string text(1 << 20, 'x');
  std::string got;
  const pthread_t writer = pthread_self();
  std::thread reader([&] {
    for (int i = 0; i < 20; ++i) {
      usleep(1000);
      pthread_kill(writer, SIGUSR1);
    }
    got = read_until_end(pipe.ends[0], text.size());
  });
  Output out(pipe.ends[1], "pipe");
  out.put(text);
  out.flush();
  reader.join();
  EXPECT_EQ(got, text);
}

TEST(Output, WaitsForANonBlockingReader) {
  Pipe pipe;
  fcntl(pipe.ends[1], F_SETFL, O_NONBLOCK);
  const std::string text(1 << 20, 'y');
  std::string got;
  std::thread reader([&] {
    usleep(5000);
    got = read_until_end(pipe.ends[0], text.size());
  });
  Output out(pipe.ends[1], "pipe");
  out.put(text);
  out.flush();
  reader.join();
  EXPECT_EQ(got, text);
}

}  // namespace
}  // namespace sonde
