// SPDX-License-Identifier: GPL-2.0-or-later
// Before any skeleton, which leaves _Static_assert undefined.
#include "cswitch_events.h"
#include "cswitch_times.h"
#include "lib/accounts.h"

#include "app/twofold.h"
#include "core/names.h"
#include "cswitch_lengths.h"
#include "cswitch_stream.h"
#include "cswitch_sums.h"

namespace sonde {
namespace {

class SumsOrEvents final : public Twofold<CswitchSums, CswitchEvents> {
 public:
  SumsOrEvents() : Twofold("--events") {}

  void options(Options& options) override {
    options.flag("--events", "show each switch", [this] { show_other(); });
  }
  void group(std::string_view by) { standard_.group(by); }
  [[nodiscard]] bool shows_events() const { return shows_other(); }
};

class Cswitch final : public Twofold<SumsOrEvents, CswitchLengths> {
 public:
  Cswitch() : Twofold("--histogram-of") {}

  void options(Options& options) override {
    options.value("--by", "KEYS", "process, thread or cpu", [this](std::string_view by) {
      standard_.group(by);
      other_.group(by);
      grouped_ = true;
    });
    standard_.options(options);
    options.value("--histogram-of", "WHAT", "how long they are: slice (on a CPU), wait (for one), block (asleep)",
                  [this](std::string_view what) {
                    other_.choose(what);
                    show_other();
                  });
  }

  void settle(const CommonOptions& options) override {
    if (shows_other() && standard_.shows_events())
      throw Error(Exit::usage, "--events and --histogram-of are two reports.", "Ask for one of them.");
    if (standard_.shows_events() && grouped_)
      throw Error(Exit::usage, "--by is for sums, and --events shows each switch.", "Leave out one of them.");
    Twofold::settle(options);
  }

 private:
  bool grouped_ = false;
};

const Register<Cswitch> registered("cswitch");

}  // namespace
}  // namespace sonde
