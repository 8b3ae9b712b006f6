// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/decision/cmdline_check.hpp"
#include "cfs/decision/decision.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/image/image_reader.hpp"
#include "cfs/stores/complete_places.hpp"
#include "cfs/stores/store_check.hpp"
#include "cfs/stores/store_contents.hpp"
#include "cfs/tool/progress.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct VerifyOptions {
  std::string policy;
  std::string keys;
  std::string store;
  std::string cmdline;  // the kernel command line to assume
  bool objects = false;
  bool json = false;
};

constexpr std::size_t shown_problems = 10;

// What FS_IOC_MEASURE_VERITY would say of the file, computed from its bytes.
Result<Digest> compute_digest(const Fd& file, HashAlgorithm algorithm) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return fail_errno(Code::io_error, "look at the image");
  }
  return compute_verity(file, static_cast<std::uint64_t>(status.st_size), algorithm);
}

// What a device finds out of an image once it is composed.
Result<> accept(const Store& store, const Decision& decision) {
  const auto& complete = decision.manifest.manifest().complete;
  if (complete.empty()) {
    return {};
  }
  const std::string image = CFS_TRY(read_all(decision.image.fd(), image_max_bytes));
  return check_complete_objects(CFS_TRY(read_image(image)).tree, complete, store.directory());
}

std::string decision_text(const Decision& decision) {
  const Manifest& manifest = decision.manifest.manifest();
  std::string text = cat("image             ", manifest.image_id, ' ', manifest.version, '\n');
  text += cat("security-version  ", manifest.security_version, '\n');
  text += cat("digest            ", manifest.digest.text(), '\n');
  text += cat("manifest          ", decision.candidate.text(), '\n');
  for (const std::string& signer : decision.manifest.signers()) {
    text += cat("signed by         ", short_key_id(signer), '\n');
  }
  text += cat("init              ", decision.init, '\n');
  for (const std::string& place : manifest.complete) {
    text += cat("complete          ", place, '\n');
  }
  text += cat("state             etc ", name(decision.manifest.etc()), ", var ",
              name(decision.manifest.var()), '\n');
  for (const Refusal& refusal : decision.refused) {
    text += cat("refused           ", refusal.candidate.text(), ": ", name(refusal.error.code()), ": ",
                refusal.error.what(), '\n');
  }
  return text;
}

std::vector<JudgedWord> judge(const VerifyOptions& options, const Policy& policy, Json& json) {
  std::vector<JudgedWord> words = judge_cmdline(options.cmdline, policy);
  Json array = Json::array();
  for (const JudgedWord& word : words) {
    array.item(Json::object()
                   .text("word", word.word)
                   .text("verdict", name(word.verdict))
                   .text("reason", word.reason)
                   .str());
  }
  json.raw("words", array.str());
  return words;
}

void add_decision(Json& json, const Decision& decision) {
  const Manifest& manifest = decision.manifest.manifest();
  Json refused = Json::array();
  for (const Refusal& refusal : decision.refused) {
    refused.item(Json::object()
                     .text("manifest", refusal.candidate.manifest)
                     .text("slot", refusal.candidate.slot)
                     .text("code", name(refusal.error.code()))
                     .text("reason", refusal.error.what())
                     .str());
  }
  json.text("image-id", manifest.image_id)
      .text("version", manifest.version)
      .number("security-version", manifest.security_version)
      .text("digest", manifest.digest.text())
      .text("manifest", decision.candidate.manifest)
      .text("slot", decision.candidate.slot)
      .raw("signers", json_strings(decision.manifest.signers()))
      .text("init", decision.init)
      .raw("complete", json_strings(manifest.complete))
      .text("etc", name(decision.manifest.etc()))
      .text("var", name(decision.manifest.var()))
      .raw("refused", refused.str());
}

// How many objects there are, all of them intact.
Result<std::size_t> check_all_objects(const std::string& store) {
  const StoreContents contents = CFS_TRY(read_store(store));
  Progress progress("verifying");
  const std::vector<Error> problems = check_objects(contents, progress);
  if (problems.empty()) {
    return contents.objects.size();
  }
  std::string named = cat(problems.size(), " of ", contents.objects.size(), " objects");
  for (std::size_t i = 0; i < problems.size() && i < shown_problems; ++i) {
    named += cat(i == 0 ? ": " : "; ", problems[i].what());
  }
  return fail(problems.front().code(), problems.size() > shown_problems ? cat(named, "; and more") : named);
}

// Prints for people as it goes; what it finds goes into `json`.
Result<> verify(const VerifyOptions& options, Json& json) {
  const auto show = [&](const std::string& text) { return options.json ? Result<>() : print(text); };
  const Policy policy = CFS_TRY(load_policy(options.policy));
  const auto keys = CFS_TRY(load_keys(options.keys));
  // Says what becomes of each word, also where one of them is refused.
  for (const JudgedWord& word : judge(options, policy, json)) {
    CFS_TRY(show(line("word", cat(printable(word.word), ": ", name(word.verdict), ": ", word.reason))));
  }
  CFS_TRY(check_cmdline(options.cmdline, policy));
  const Selection selection = CFS_TRY(select(Cmdline::parse(options.cmdline), policy));
  const Store store = CFS_TRY(Store::open(options.store));
  const DecisionInput input{.policy = policy,
                            .keys = keys,
                            .selection = selection,
                            .kernel_release = {},
                            .measure = compute_digest};
  auto decided = decide(store, input, [&](const Decision& tried) { return accept(store, tried); });
  if (!decided && decided.error().code() == Code::manifest_missing) {
    return fail(Code::manifest_missing, decided.error().what(),
                "put a signed manifest into a slot with cfs-sign slot");
  }
  const Decision decision = CFS_TRY(std::move(decided));
  add_decision(json, decision);
  CFS_TRY(show(decision_text(decision)));
  if (options.objects) {
    const std::size_t objects = CFS_TRY(check_all_objects(options.store));
    json.number("objects", objects);
    CFS_TRY(show(line("objects", cat(objects, " intact"))));
  }
  return {};
}

Result<> run(const VerifyOptions& options) {
  Json json = Json::object();
  const Result<> verified = verify(options, json);
  if (options.json) {
    json.boolean("accepted", verified.has_value());
    if (!verified) {
      json.text("code", name(verified.error().code())).text("problem", verified.error().what());
    }
    CFS_TRY(print_json(json));
  }
  return verified;
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
  auto options = std::make_shared<VerifyOptions>();
  auto* command =
      add_command(app, action, "verify", "Decide which image a device would boot, and say why", options, run);
  command->add_option("--policy", options->policy, "The device's policy")->type_name("FILE")->required();
  command->add_option("--keys", options->keys, "Directory with the device's public keys, *.pub")
      ->type_name("DIR")
      ->required();
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_option("--cmdline", options->cmdline, "Kernel command line to assume (default: an empty one)")
      ->type_name("TEXT");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--objects", options->objects, "Hash every object of the store as well");
}

}  // namespace cfs
