// Any bytes: a command line is read and selected from without a crash, and what is selected can be written
// back.
#include <cstdint>
#include <cstdlib>

#include "cfs/manifest.hpp"
#include "cfs/selection.hpp"
#include "cfs/store.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cfs::Policy policy;
  policy.store = {cfs::DeviceSpec::By::label, "store"};
  const auto cmdline = cfs::Cmdline::parse({reinterpret_cast<const char*>(data), size});
  for (const auto trust : {cfs::CmdlineTrust::untrusted_cmdline, cfs::CmdlineTrust::signed_cmdline}) {
    policy.cmdline.trust = trust;
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
