// SPDX-License-Identifier: GPL-2.0-or-later
#include <memory>
#include <string_view>

#include "app/twofold.h"
#include "syslat_events.h"
#include "syslat_sums.h"

namespace sonde::syslat {
namespace {

class Syslat final : public Twofold<Sums, Events> {
 public:
  Syslat() : Twofold("--slower") { standard_.choice = other_.choice = choice_; }

  void options(Options& options) override {
    options.argument("CALLS", "names or globs, as read,'f*sync' (^ negates)", false,
                     [this](std::string_view text) { choice_->calls.choose(text); });
    options.flag("--all", "all calls", choice_->all);
    options.value("--slower", "TIME", "show each call that takes as long, as 5ms", [this](std::string_view text) {
      choice_->slower = parse_duration(text, BareNumber::refused);
      show_other();
    });
    options.tell_use(standard_only());
    standard_.options(options);
    options.tell_use(nullptr);
    choice_->result.declare(options, "calls");
  }

 private:
  std::shared_ptr<Choice> choice_ = std::make_shared<Choice>();
};

const Register<Syslat> registered("syslat");

}  // namespace
}  // namespace sonde::syslat
