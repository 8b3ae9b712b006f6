// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/keys/keypair.hpp"
#include "cfs/tool/output_file.hpp"
#include "cfs/trust/manifest.hpp"
#include "cfs/trust/signature.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct SignOptions {
  std::vector<std::string> keys;  // private keys
  std::string manifest;
  bool json = false;
};

// In order of key id, so that the file does not depend on the order of signing.
using Lines = std::map<std::string, SignatureLine>;

Result<Lines> load_lines(const std::string& path) {
  const auto text = read_file(path, signature_file_max_bytes);
  if (!text) {
    if (text.error().code() == Code::not_found) {
      return Lines{};
    }
    return tl::unexpected<Error>(text.error());
  }
  Lines lines;
  auto parsed = parse_signatures(*text);
  if (!parsed) {
    return fail(parsed.error().code(), cat(printable(path), ": ", parsed.error().what()),
                "remove the file and sign again");
  }
  for (SignatureLine& line : *parsed) {
    std::string id = line.key_id;
    lines.insert_or_assign(std::move(id), std::move(line));
  }
  return lines;
}

Result<> run(const SignOptions& options) {
  const std::string bytes = CFS_TRY(read_file(options.manifest, manifest_max_bytes));
  if (const auto manifest = parse_manifest(bytes); !manifest) {
    return fail(Code::manifest_malformed, cat(printable(options.manifest), ": ", manifest.error().what()),
                "name a manifest that cfs-sign manifest made");
  }
  const std::string message = cat(manifest_signature_prefix, bytes);
  // Beside the manifest itself, also when a slot's link named it.
  const std::string path = CFS_TRY(follow_links(options.manifest)) + ".sig";
  Lines lines = CFS_TRY(load_lines(path));
  std::string report;
  Json signers = Json::array();
  for (const std::string& key : options.keys) {
    const Keypair pair = CFS_TRY(Keypair::load(key));
    const PublicKey& identity = pair.public_key();
    const std::string algorithm(name(identity.algorithm));
    auto signature = CFS_TRY(pair.sign(message));
    lines.insert_or_assign(identity.id, SignatureLine{identity.id, algorithm, std::move(signature)});
    signers.item(Json::object().text("key-id", identity.id).text("algorithm", algorithm).str());
    report += cat("signed by ", short_key_id(identity.id), " (", algorithm, ")\n");
  }
  std::string text;
  for (const auto& [id, line] : lines) {
    text += format_signature(line);
  }
  CFS_TRY_IN(parse_signatures(text), printable(path));  // no more than a device reads
  CFS_TRY(write_output(path, text));
  return options.json ? print_json(Json::object().text("signatures", path).raw("signed-by", signers.str()))
                      : print(cat(path, '\n', report));
}

}  // namespace

void add_sign(CLI::App& app, Action& action) {
  auto options = std::make_shared<SignOptions>();
  auto* command =
      add_command(app, action, "sign",
                  "Sign a manifest: adds the keys' lines to MANIFEST.sig, or replaces them", options, run);
  command->add_option("--key", options->keys, "Private key, PEM. May be repeated")
      ->type_name("FILE")
      ->expected(1)
      ->take_all()
      ->required();
  command->add_flag("--json", options->json, "Print JSON");
  command->add_option("MANIFEST", options->manifest, "The manifest, NAME.toml")->required();
}

}  // namespace cfs
