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

Result<> report_objects(const std::string& store) {
  const StoreContents contents = CFS_TRY(read_store(store));
  Progress progress("verifying");
  const std::vector<Error> problems = check_objects(contents, progress);
  if (problems.empty()) {
    return print(cat("objects           ", contents.objects.size(), " intact\n"));
  }
  std::string named = cat(problems.size(), " of ", contents.objects.size(), " objects");
  for (std::size_t i = 0; i < problems.size() && i < shown_problems; ++i) {
    named += cat(i == 0 ? ": " : "; ", problems[i].what());
  }
  return fail(problems.front().code(), problems.size() > shown_problems ? cat(named, "; and more") : named);
}

// Says what becomes of each word, also where one of them is refused.
Result<Selection> judge(const std::string& cmdline, const Policy& policy) {
  for (const JudgedWord& word : judge_cmdline(cmdline, policy)) {
    CFS_TRY(print(
        cat("word              ", printable(word.word), ": ", name(word.verdict), ": ", word.reason, '\n')));
  }
  CFS_TRY(check_cmdline(cmdline, policy));
  return select(Cmdline::parse(cmdline), policy);
}

Result<> run(const VerifyOptions& options) {
  const Policy policy = CFS_TRY(load_policy(options.policy));
  const auto keys = CFS_TRY(load_keys(options.keys));
  const Selection selection = CFS_TRY(judge(options.cmdline, policy));
  const Store store = CFS_TRY(Store::open(options.store));
  const DecisionInput input{.policy = policy,
                            .keys = keys,
                            .selection = selection,
                            .kernel_release = {},
                            .measure = compute_digest};
  const Decision decision =
      CFS_TRY(decide(store, input, [&](const Decision& tried) { return accept(store, tried); }));
  CFS_TRY(print(decision_text(decision)));
  return options.objects ? report_objects(options.store) : Result<>();
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
  command->add_flag("--objects", options->objects, "Hash every object of the store as well");
}

}  // namespace cfs
