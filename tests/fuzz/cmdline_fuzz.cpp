// SPDX-License-Identifier: Apache-2.0
// Any bytes: a command line is read, judged and selected from without a crash; one that passes untrusted
// holds the words that were judged and nothing that a shell acts on; and what is selected can be written
// back.
#include <cstdint>
#include <cstdlib>

#include "cfs/decision/cmdline_check.hpp"
#include "cfs/decision/selection.hpp"
#include "cfs/store/store.hpp"
#include "cfs/trust/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cfs::Policy policy;
  policy.store = {cfs::DeviceSpec::By::label, "store"};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cmdline = cfs::Cmdline::parse(text);
  for (const auto trust : {cfs::CmdlineTrust::untrusted_cmdline, cfs::CmdlineTrust::signed_cmdline}) {
    policy.cmdline.trust = trust;
    const bool allowed = cfs::check_cmdline(text, policy).has_value();
    if (allowed && trust == cfs::CmdlineTrust::untrusted_cmdline) {
      // What was looked at are the parameters that the kernel has.
      std::size_t words = cfs::judge_cmdline(text, policy).size();
      if (cmdline.parameters().size() != words ||
          text.find_first_of("\"'$`;&|<>*?[]{}!~#") != std::string_view::npos) {
        std::abort();
      }
    }
    const auto selected = cfs::select(cmdline, policy);
    if (!selected) {
      continue;
    }
    const auto& image = selected->image;
    const auto& slot = selected->slot;
    if ((image && !cfs::is_manifest_name(*image)) || (slot && !cfs::is_slot_name(*slot)) ||
        cfs::DeviceSpec::parse(selected->store.text()) != selected->store) {
      std::abort();
    }
  }
  return 0;
}
