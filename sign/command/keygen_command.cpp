// SPDX-License-Identifier: Apache-2.0
#include <openssl/crypto.h>
#include <unistd.h>

#include "cfs/base/text.hpp"
#include "cfs/keys/keypair.hpp"
#include "cfs/tool/output_file.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct KeygenOptions {
  KeyAlgorithm algorithm = KeyAlgorithm::ed25519;
  std::string prefix;  // PREFIX.key, PREFIX.pub
  bool force = false;
  bool json = false;
};

Result<> refuse_existing(const std::string& path) {
  if (::access(path.c_str(), F_OK) == 0) {
    return fail(Code::already_exists, cat(printable(path), " is there already; --force replaces it"));
  }
  return {};
}

Result<> run(const KeygenOptions& options) {
  if (options.prefix.empty() || options.prefix.ends_with('/')) {
    return fail(Code::usage, cat("PREFIX \"", printable(options.prefix), "\" names no file"));
  }
  const std::string private_path = options.prefix + ".key";
  const std::string public_path = options.prefix + ".pub";
  const auto existing = options.force ? AtomicFile::Existing::replace : AtomicFile::Existing::refuse;
  // Both before either is written; commit() refuses again, should one appear in between.
  if (!options.force) {
    CFS_TRY(refuse_existing(private_path));
    CFS_TRY(refuse_existing(public_path));
  }
  const Keypair pair = CFS_TRY(Keypair::generate(options.algorithm));
  std::string pem = CFS_TRY(pair.private_pem());
  const auto written = write_output(private_path, pem, {.mode = 0600, .existing = existing});
  OPENSSL_cleanse(pem.data(), pem.size());
  CFS_TRY(written);
  CFS_TRY(write_output(public_path, pair.public_der(), {.existing = existing}));
  const PublicKey& key = pair.public_key();
  if (options.json) {
    return print_json(Json::object()
                          .text("private-key", private_path)
                          .text("public-key", public_path)
                          .text("key-id", key.id)
                          .text("algorithm", name(key.algorithm)));
  }
  return print(cat(private_path, '\n', public_path, "\nkey id ", key.id, '\n'));
}

// The hash goes with the key, and people need not say it.
constexpr auto algorithm_words =
    std::to_array<Word<KeyAlgorithm>>({{KeyAlgorithm::ed25519, "ed25519"},
                                       {KeyAlgorithm::ecdsa_p256_sha256, "ecdsa-p256"},
                                       {KeyAlgorithm::ecdsa_p384_sha384, "ecdsa-p384"}});

}  // namespace

void add_keygen(CLI::App& app, Action& action) {
  auto options = std::make_shared<KeygenOptions>();
  auto* command =
      add_command(app, action, "keygen",
                  "Make a signing key: PREFIX.key (private, PEM, mode 0600) and PREFIX.pub", options, run);
  command->add_option("--algorithm", options->algorithm, "ed25519 (the default), ecdsa-p256 or ecdsa-p384")
      ->type_name("NAME")
      ->transform(WordOf(algorithm_words), "");
  command->add_flag("--force", options->force, "Replace the files if they are there");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_option("PREFIX", options->prefix, "Path of the files, without .key and .pub")->required();
}

}  // namespace cfs
