// SPDX-License-Identifier: GPL-2.0-or-later
// Hostile names on a terminal of 80 cells: a line a row, nothing wrapped, nothing that drives the terminal.
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <sstream>

#include "core/text.h"
#include "opensnoop.h"

namespace sonde::test {
namespace {

class Terminal {
 public:
  explicit Terminal(std::uint16_t width) {
    int master = -1, slave = -1;
    winsize size{};
    size.ws_col = width;
    size.ws_row = 24;
    if (openpty(&master, &slave, nullptr, nullptr, &size) != 0) fail("no terminal");
    master_ = Fd(master);
    slave_ = Fd(slave);
  }
  [[nodiscard]] int fd() const { return slave_.get(); }
  /// All that was written until everybody let go of it.
  std::string text() {
    slave_.reset();
    std::string all;
    char part[4096];
    for (ssize_t n = 0; (n = read(master_.get(), part, sizeof(part))) > 0;)
      all.append(part, static_cast<std::size_t>(n));
    return all;
  }

 private:
  Fd master_, slave_;
};

const char* const hostile_comm = "\x1b[2J\n\"\\\xE2\x80\xAE\xFF";
const std::string hostile_path = "/\x1B]0;title\x07\n\r\t\"'\\\xE2\x80\xAE\xC2\x9B\xFF/end";

// Cells of a line of valid UTF-8 without wide characters.
std::size_t cells(const std::string& line) {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void expect_tame(const std::string& line) {
  SCOPED_TRACE(testing::PrintToString(line));
  EXPECT_TRUE(is_utf8(line));
  for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20U);
  for (const char* raw : {"\x7F", "\xE2\x80\xAE", "\xC2\x9B"}) EXPECT_EQ(line.find(raw), std::string::npos);
}

TEST_F(OpensnoopOutput, FitsHostileNamesIntoATerminal) {
  for (const std::uint16_t width : std::initializer_list<std::uint16_t>{80, 40, 200}) {
    Terminal terminal(width);
    const Gate go;
    Child hostile([&] {
      set_comm(hostile_comm);
      go.pass();
      call({Via::openat, hostile_path});
      call({Via::openat, "/" + std::string(300, 'x')});
      return 0;
    });
    Sonde sonde({"opensnoop", "-p", std::to_string(hostile.pid())}, {.out = terminal.fd(), .prepare = {}});
    ASSERT_TRUE(sonde.ready());
    go.open();
    hostile.wait();
    EXPECT_EQ(sonde.end().code, 0);
    std::istringstream text(terminal.text());
    int lines = 0;
    for (std::string line; std::getline(text, line); ++lines) {
      if (!line.empty() && line.back() == '\r') line.pop_back();  // the terminal's own
      expect_tame(line);
      EXPECT_LE(cells(line), width) << line;
      if (lines == 2) {
        EXPECT_TRUE(line.ends_with("…")) << line;
      }
    }
    EXPECT_EQ(lines, 3);
  }
}

TEST_F(OpensnoopOutput, TamesHostileNamesInAPipeAndInJson) {
  const Gate go;
  Child hostile([&] {
    set_comm(hostile_comm);
    for (int i = 0; i < 2; ++i) {
      go.pass();
      call({Via::openat, hostile_path});
    }
    return 0;
  });
  for (const bool json : {false, true}) {
    Sonde sonde({"opensnoop", "-f", json ? "json" : "table", "-n", "1", "-p", std::to_string(hostile.pid())});
    ASSERT_TRUE(sonde.ready());
    go.open();
    const auto report = sonde.end();
    std::istringstream text(report.out);
    for (std::string line; std::getline(text, line);) expect_tame(line);
    if (!json) {
      EXPECT_NE(report.out.find(R"(\x1b[2J\n"\\\u{202e}\xff)"), std::string::npos) << report.out;
      EXPECT_NE(report.out.find(R"(/\x1b]0;title\x07\n\r\t"'\\\u{202e}\u{009b}\xff/end)"), std::string::npos)
          << report.out;
      continue;
    }
    ASSERT_EQ(report.events.size(), 1U);
    EXPECT_EQ(report.events[0]["comm"].text(), "\x1b[2J\n\"\\\xE2\x80\xAE\xEF\xBF\xBD");
    EXPECT_EQ(report.events[0]["comm_hex"].text(), "1b5b324a0a225ce280aeff");
    EXPECT_EQ(report.events[0]["path"].text(), hostile_path.substr(0, hostile_path.size() - 5) + "\xEF\xBF\xBD/end");
  }
}

}  // namespace
}  // namespace sonde::test
