// SPDX-License-Identifier: GPL-2.0-or-later
// Before any skeleton, which leaves _Static_assert undefined.
#include "cswitch_events.h"
#include "cswitch_timeline.h"
#include "lib/accounts.h"
#include "sched_times.h"

#include "app/twofold.h"
#include "core/names.h"
#include "cswitch_lengths.h"
#include "cswitch_stream.h"
#include "cswitch_sums.h"
#include "cswitch_trace.h"

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

class EventsOrTimeline final : public Twofold<SumsOrEvents, CswitchTimeline> {
 public:
  EventsOrTimeline() : Twofold("--timeline") {}

  void options(Options& options) override {
    standard_.options(options);
    other_.options(options);
  }
  void settle(const CommonOptions& options) override {
    if (other_.chosen()) show_other();
    Twofold::settle(options);
  }
  // The columns of the timeline are nothing to choose from.
  [[nodiscard]] std::vector<Form> other_forms() const override { return standard_.other_forms(); }
  void group(std::string_view by) { standard_.group(by); }
  /// The option that asks for another report than sums; empty: none.
  [[nodiscard]] std::string_view report() const {
    if (other_.chosen()) return "--timeline";
    return standard_.shows_events() ? "--events" : "";
  }
  [[nodiscard]] bool two_reports() const { return other_.chosen() && standard_.shows_events(); }
};

class Cswitch final : public Twofold<EventsOrTimeline, CswitchLengths> {
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
    const auto refuse = [](const std::string& sentence) {
      throw Error(Exit::usage, sentence, "Leave out one of them.");
    };
    const std::string report(standard_.report());
    if (standard_.two_reports()) refuse("--events and --timeline are two reports.");
    if (shows_other() && !report.empty()) refuse(report + " and --histogram-of are two reports.");
    if (grouped_ && !report.empty()) refuse("--by is for sums, and " + report + " shows each switch.");
    Twofold::settle(options);
  }

 private:
  bool grouped_ = false;
};

const Register<Cswitch> registered("cswitch");

}  // namespace
}  // namespace sonde
