// SPDX-License-Identifier: Apache-2.0
#include "cfs/decision/decision.hpp"

#include <algorithm>
#include <utility>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// The slots that a boot tries without being asked to.
constexpr std::array<std::string_view, 2> usual_slots{"current", "previous"};

Result<VerifiedManifest> verify_candidate(const Store& store, const DecisionInput& input,
                                          const Candidate& candidate) {
  const auto files = CFS_TRY(store.manifest(candidate.manifest));
  return verify_manifest(files.bytes, files.signatures, input.keys, input.policy, input.kernel_release);
}

// What there is to try, in order, and what could not even be that.
struct Candidates {
  std::vector<Candidate> to_try;
  std::vector<Refusal> refused;

  void add(Candidate candidate) {
    const bool listed = std::any_of(to_try.begin(), to_try.end(), [&](const Candidate& earlier) {
      return earlier.manifest == candidate.manifest;
    });
    if (!listed) {
      to_try.push_back(std::move(candidate));
    }
  }
};

Candidates list_candidates(const Store& store, const Selection& selection) {
  Candidates candidates;
  if (selection.image) {
    candidates.add({*selection.image, {}});
  }
  std::vector<std::string_view> slots;
  if (selection.slot) {
    slots.emplace_back(*selection.slot);
  }
  for (const std::string_view slot : usual_slots) {
    if (slot != selection.slot) {
      slots.push_back(slot);
    }
  }
  for (const std::string_view slot : slots) {
    auto held = store.slot(slot);
    if (!held) {
      candidates.refused.push_back({{{}, std::string(slot)}, std::move(held.error())});
    } else if (const auto& manifest = *held) {
      candidates.add({*manifest, std::string(slot)});
    } else if (slot == selection.slot) {
      candidates.refused.push_back(
          {{{}, std::string(slot)}, Error(Code::manifest_missing, cat("the slot ", slot, " is empty"))});
    }
  }
  return candidates;
}

// Puts the candidate whose verified manifest carries `digest` first.
void prefer(const Digest& digest, const Store& store, const DecisionInput& input, Candidates& candidates) {
  auto& to_try = candidates.to_try;
  const auto found = std::find_if(to_try.begin(), to_try.end(), [&](const Candidate& candidate) {
    const auto verified = verify_candidate(store, input, candidate);
    return verified && verified->manifest().digest == digest;
  });
  if (found == to_try.end()) {
    candidates.refused.push_back(
        {{}, Error(Code::manifest_missing, cat("no slot holds a verified manifest for ", digest.text()))});
    return;
  }
  std::rotate(to_try.begin(), found, std::next(found));
}

Result<Decision> try_candidate(const Store& store, const DecisionInput& input, const Candidate& candidate) {
  auto manifest = CFS_TRY(verify_candidate(store, input, candidate));
  auto init = CFS_TRY(manifest.init(input.selection.init));
  if (input.before_attempt) {
    CFS_TRY(input.before_attempt(candidate, manifest));
  }
  Fd file = CFS_TRY(store.object(manifest.manifest().digest));
  auto image = CFS_TRY(verify_image(std::move(file), manifest, input.measure));
  return Decision{candidate, std::move(manifest), std::move(image), std::move(init), {}};
}

// What no other candidate can mend: the command line's or the policy's own fault.
bool ends_the_search(Code code) noexcept {
  return code == Code::init_refused || code == Code::policy_malformed;
}

Error none_left(std::vector<Refusal> refused) {
  if (refused.empty()) {
    return {Code::manifest_missing, "neither the slot current nor the slot previous holds a manifest"};
  }
  if (refused.size() == 1) {
    return std::move(refused.front().error).within(refused.front().candidate.text());
  }
  std::string all;
  for (const Refusal& refusal : refused) {
    all += cat(all.empty() ? "" : "; ", refusal.candidate.text(), ": ", name(refusal.error.code()), ": ",
               refusal.error.what());
  }
  return {Code::no_candidate, all};
}

}  // namespace

std::string Candidate::text() const {
  if (manifest.empty()) {
    return slot.empty() ? std::string("composefs.image=") : cat("slot ", slot);
  }
  return slot.empty() ? manifest : cat(manifest, " (", slot, ")");
}

Result<Decision> decide(const Store& store, const DecisionInput& input,
                        const std::function<Result<>(const Decision&)>& accept) {
  auto [to_try, refused] = [&] {
    Candidates candidates = list_candidates(store, input.selection);
    if (input.selection.image_digest) {
      prefer(*input.selection.image_digest, store, input, candidates);
    }
    return candidates;
  }();
  for (const Candidate& candidate : to_try) {
    auto decision = try_candidate(store, input, candidate);
    if (decision) {
      decision->refused = std::move(refused);
      auto accepted = accept(*decision);
      if (accepted) {
        return decision;
      }
      refused = std::move(decision->refused);
      refused.push_back({candidate, std::move(accepted.error())});
    } else if (ends_the_search(decision.error().code())) {
      return decision;
    } else {
      refused.push_back({candidate, std::move(decision.error())});
    }
  }
  return tl::unexpected<Error>(none_left(std::move(refused)));
}

}  // namespace cfs
