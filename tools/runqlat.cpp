// SPDX-License-Identifier: GPL-2.0-or-later
// Before any skeleton, which leaves _Static_assert undefined.
#include "runqlat.h"
#include "sched_times.h"

#include "app/twofold.h"
#include "core/units.h"
#include "runqlat_stream.h"
#include "sched_lengths.h"

namespace sonde::runqlat {
namespace {

class Waits final : public SchedLengths {
 public:
  Waits() : SchedLengths(about(), "waits", all_groupings(), "waits that ended") {
    measure(SCHED_TIMES_OF_WAITS);
    show({"total_ns", "avg_ns", "max_ns", "histogram_ns"});
  }

  void options(Options& options) override {
    declare_grouping(options);
    declare_distribution(options);
  }
};

class Runqlat final : public Twofold<Waits, LongWaits> {
 public:
  Runqlat() : Twofold("--slower") {}

  void options(Options& options) override {
    options.value("--slower", "TIME", "show each wait of this length or more, as 5ms", [this](std::string_view text) {
      other_.slower = parse_duration(text, BareNumber::refused);
      show_other();
    });
    options.tell_use(standard_only());
    standard_.options(options);
    options.tell_use(nullptr);
  }
};

const Register<Runqlat> registered("runqlat");

}  // namespace
}  // namespace sonde::runqlat
