// SPDX-License-Identifier: Apache-2.0
// The decision: which image of a store this device boots. The boot and `cfs-sign verify` both take it here.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/decision/selection.hpp"
#include "cfs/store/store.hpp"
#include "cfs/trust/key.hpp"
#include "cfs/trust/policy.hpp"
#include "cfs/trust/verify.hpp"

namespace cfs {

struct Candidate {
  std::string manifest;  // its name
  std::string slot;      // the slot that holds it; empty for one that composefs.image= names

  // For people: "NAME (SLOT)", or what there is of that.
  [[nodiscard]] std::string text() const;
};

struct Refusal {
  Candidate candidate;
  Error error;
};

struct Decision {
  Candidate candidate;
  VerifiedManifest manifest;
  VerifiedImage image;
  std::string init;
  std::vector<Refusal> refused;  // those tried before it
};

// Everything a decision depends on.
struct DecisionInput {
  const Policy& policy;
  std::span<const PublicKey> keys;
  const Selection& selection;
  std::string_view kernel_release;
  MeasureVerity measure;
  // Called with each candidate whose manifest is verified, before its image is opened: where tries are
  // counted. An error refuses the candidate. Empty: nothing is called.
  std::function<Result<>(const Candidate&, const VerifiedManifest&)> before_attempt = nullptr;
};

// Tries candidates in order: the one that the command line prefers, then the slots current and previous. A
// candidate is taken when its manifest and image verify and `accept` (composing it, on a device) succeeds;
// one that fails is recorded and the next is tried under the same rules. Code::no_candidate lists why each
// was refused; with a single candidate its own error is returned instead. A command line that asks for an
// init the manifest does not allow is refused outright (Code::init_refused): no other image is tried because
// of it. So is a policy whose threshold its keys cannot reach (Code::policy_malformed).
[[nodiscard]] Result<Decision> decide(const Store& store, const DecisionInput& input,
                                      const std::function<Result<>(const Decision&)>& accept);

}  // namespace cfs
