// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/image_reader.hpp"
#include "cfs/image/persistent_code.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/store/store.hpp"
#include "cfs/stores/complete_places.hpp"
#include "cfs/stores/store_lock.hpp"
#include "cfs/trust/manifest.hpp"
#include "command/command.hpp"
#include "command/image_argument.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct ManifestOptions {
  std::string store;
  std::string image_id;
  std::string version;
  std::uint64_t security_version = 0;
  std::string name;            // empty: made from the image id and version
  std::optional<EtcMode> etc;  // none: the default
  std::optional<VarMode> var;
  std::vector<std::string> init;
  std::vector<std::string> complete;  // empty: the usual places; "none" alone: none
  std::string kernel_min;             // empty: the default; "none": any
  std::string kernel_release;
  std::vector<std::string> annotations;  // KEY=VALUE
  std::string digest;
  bool json = false;
};

tl::unexpected<Error> misused(std::string what) {
  return fail(Code::usage, std::move(what));
}

// The first Linux 6.12 whose ext4 refuses a file that reads as something else than it measures
// (CVE-2025-40167).
constexpr auto default_kernel_min = "6.12.55";

// What the user asks for; else the default, unless there is just one release anyway.
std::string kernel_min(const ManifestOptions& options) {
  if (options.kernel_min == "none" || (options.kernel_min.empty() && !options.kernel_release.empty())) {
    return {};
  }
  return options.kernel_min.empty() ? default_kernel_min : options.kernel_min;
}

Result<std::pair<std::string, std::string>> parse_annotation(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return misused(cat("--annotation ", printable(text), " is not KEY=VALUE"));
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Result<Manifest> make_manifest(const ManifestOptions& options) {
  Manifest manifest;
  manifest.image_id = options.image_id;
  manifest.version = options.version;
  manifest.security_version = options.security_version;
  manifest.digest = CFS_TRY(parse_digest_argument(options.digest));
  manifest.kernel_min = kernel_min(options);
  manifest.kernel_release = options.kernel_release;
  if (!options.init.empty()) {
    manifest.init = options.init;
  }
  manifest.etc = options.etc.value_or(manifest.etc);
  manifest.var = options.var.value_or(manifest.var);
  for (const std::string& text : options.annotations) {
    auto annotation = CFS_TRY(parse_annotation(text));
    if (!manifest.annotations.insert(std::move(annotation)).second) {
      return misused(cat("--annotation ", printable(text), " names a key that was given before"));
    }
  }
  return manifest;
}

// --complete, or the usual places of this image.
Result<std::vector<std::string>> complete_places(const ManifestOptions& options, const Manifest& manifest,
                                                 const FileTree& image) {
  if (options.complete == std::vector<std::string>{"none"}) {
    return std::vector<std::string>();
  }
  for (const std::string& path : options.complete) {
    if (!is_image_path(path)) {
      return misused(cat("--complete ", printable(path),
                         " is not an absolute path without \".\", \"..\" or \"//\" (and none stands alone)"));
    }
  }
  if (options.complete.empty()) {
    return usual_complete_places(image, manifest.init);
  }
  CFS_TRY(check_complete_places(image, options.complete));
  return options.complete;
}

// The manifest is not made yet: what is wrong with it are the options.
template <class T>
Result<T> blame_options(Result<T> made) {
  if (!made && made.error().code() == Code::manifest_malformed) {
    return fail(Code::manifest_malformed, made.error().what(), "correct the options of cfs-sign manifest");
  }
  return made;
}

// Says on standard error what executes from state that persists.
void warn_of_persistent_code(const Manifest& manifest, const FileTree& image) {
  for (const PersistentCode& code : find_persistent_code(image, manifest.etc, manifest.var)) {
    note(cat("warning: ", code.what, " (", printable(code.found), "): ", code.means));
  }
}

// A manifest's name is part of what slots and command lines hold on to, and its signatures are over its
// bytes: it is written once, and writing the same again changes nothing.
Result<> write_manifest(const std::string& path, std::string_view text) {
  auto written = write_file(path, text, 0644, AtomicFile::Existing::refuse);
  if (!written && written.error().code() == Code::already_exists) {
    const auto existing = read_file(path, manifest_max_bytes);
    if (existing && *existing == text) {
      return {};
    }
    return fail(Code::already_exists, cat(printable(path), " is there already with other contents"));
  }
  return written;
}

Result<> run(const ManifestOptions& options) {
  Manifest manifest = CFS_TRY(make_manifest(options));
  const std::string name = options.name.empty() ? cat(options.image_id, '-', options.version) : options.name;
  if (!is_manifest_name(name)) {
    return misused(
        cat("\"", printable(name),
            "\" cannot be a manifest's name ([A-Za-z0-9][A-Za-z0-9._-]{0,63}): choose one with --name"));
  }
  const Store store = CFS_TRY(Store::open(options.store));
  const StoreLock lock = CFS_TRY(StoreLock::wait(store.directory(), StoreLock::Kind::shared));
  CFS_TRY_IN(store.object(manifest.digest), cat("the image ", manifest.digest.text()));
  const ImageFile image =
      CFS_TRY(load_image(cat(options.store, '/', store_layout::object_path(manifest.digest))));
  manifest.complete = CFS_TRY(blame_options(complete_places(options, manifest, image.contents.tree)));
  const std::string text = CFS_TRY(blame_options(format_manifest(manifest)));
  CFS_TRY(create_directory(cat(options.store, '/', store_layout::manifests)));
  const std::string path = cat(options.store, '/', store_layout::manifest_path(name));
  CFS_TRY(write_manifest(path, text));
  warn_of_persistent_code(manifest, image.contents.tree);
  return options.json ? print_json(Json::object()
                                       .text("path", path)
                                       .text("manifest", name)
                                       .text("digest", manifest.digest.text()))
                      : print(cat(path, '\n'));
}

}  // namespace

void add_manifest(CLI::App& app, Action& action) {
  auto options = std::make_shared<ManifestOptions>();
  auto* command =
      add_command(app, action, "manifest",
                  "Describe an image of a store in a manifest, and print the manifest's path", options, run);
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_option("--image-id", options->image_id, "What the devices' policy has as its image-id")
      ->type_name("ID")
      ->required();
  command->add_option("--version", options->version, "Version, for people")->type_name("TEXT")->required();
  command
      ->add_option("--security-version", options->security_version,
                   "Number that devices compare with their floor, to refuse images that are too old")
      ->type_name("N")
      ->check(check_number, "")
      ->required();
  command->add_option("--name", options->name, "Name of the manifest (default: ID-VERSION)")
      ->type_name("NAME");
  command->add_option("--etc", options->etc, "What happens to /etc: transient (default), overlay or none")
      ->type_name("MODE")
      ->transform(WordOf(etc_words), "");
  command->add_option("--var", options->var, "What happens to /var: bind (default), transient or none")
      ->type_name("MODE")
      ->transform(WordOf(var_words), "");
  command
      ->add_option(
          "--init", options->init,
          "Program that init= may name; the first is the default. May be repeated (default: /sbin/init)")
      ->type_name("PATH")
      ->expected(1)
      ->take_all();
  command
      ->add_option(
          "--complete", options->complete,
          "Directory or file of the image that must be readable in full before a device accepts it. May be "
          "repeated; none for none (default: the usual places for configuration)")
      ->type_name("PATH")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--kernel-min", options->kernel_min,
                   "Lowest Linux version that boots it, or none (default: 6.12.55)")
      ->type_name("VERSION");
  command
      ->add_option("--kernel-release", options->kernel_release,
                   "The one kernel release that boots it, as uname -r prints it")
      ->type_name("RELEASE");
  command
      ->add_option("--annotation", options->annotations,
                   "A note, kept and never interpreted. May be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_flag("--json", options->json, "Print JSON");
  command->add_option("DIGEST", options->digest, "Digest of the image, as cfs-sign compose prints it")
      ->required();
}

}  // namespace cfs
