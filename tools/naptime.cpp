// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/twofold.h"
#include "naptime_events.h"
#include "naptime_totals.h"

namespace sonde::naptime {
namespace {

class Naptime final : public Twofold<Events, Totals> {
 public:
  Naptime() : Twofold("--summary") {}

  void options(Options& options) override {
    options.flag("--summary", "counts in the kernel instead: histograms of request and overshoot",
                 [this] { show_other(); });
    options.flag("-x, --failed", "only interrupted sleeps, with the time that was left", [this] {
      standard_.sleeps.failed = other_.sleeps.failed = true;
      standard_.show_interrupted();
    });
    options.value("--slower", "TIME", "only sleeps that took longer than 5ms, 1s", [this](std::string_view text) {
      standard_.sleeps.slower = other_.sleeps.slower = parse_duration(text, BareNumber::refused);
    });
    options.value("--late", "TIME", "only complete ones that overshot by more than that",
                  [this](std::string_view text) {
                    standard_.sleeps.late = other_.sleeps.late = parse_duration(text, BareNumber::refused);
                  });
    other_.declare_grouping(options, [this] { show_other(); });
  }
};

const Register<Naptime> registered("naptime");

}  // namespace
}  // namespace sonde::naptime
