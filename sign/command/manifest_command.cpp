#include <sys/stat.h>

#include <cstdio>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/image_reader.hpp"
#include "cfs/image/persistent_code.hpp"
#include "cfs/store/store.hpp"
#include "cfs/stores/complete_places.hpp"
#include "cfs/stores/store_lock.hpp"
#include "cfs/trust/manifest.hpp"
#include "command/commands.hpp"

namespace cfs {

namespace {

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
  manifest.digest = CFS_TRY(Digest::parse(options.digest));
  manifest.kernel_min = kernel_min(options);
  manifest.kernel_release = options.kernel_release;
  if (!options.init.empty()) {
    manifest.init = options.init;
  }
  if (!options.etc.empty()) {
    const auto mode = parse_etc_mode(options.etc);
    if (!mode) {
      return misused(cat("--etc ", printable(options.etc), " is not overlay, transient or none"));
    }
    manifest.etc = *mode;
  }
  if (!options.var.empty()) {
    const auto mode = parse_var_mode(options.var);
    if (!mode) {
      return misused(cat("--var ", printable(options.var), " is not bind, transient or none"));
    }
    manifest.var = *mode;
  }
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

// Says on standard error what executes from state that persists.
void warn_of_persistent_code(const Manifest& manifest, const FileTree& image) {
  for (const PersistentCode& code : find_persistent_code(image, manifest.etc, manifest.var)) {
    (void)std::fputs(
        cat("cfs-sign: warning: ", code.what, " (", printable(code.found), "): ", code.means, '\n').c_str(),
        stderr);
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
    return fail(Code::already_exists, cat(printable(path), " is there already and says something else"));
  }
  return written;
}

}  // namespace

Result<> manifest_command(const ManifestOptions& options) {
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
  const ImageFile image = CFS_TRY(load_image(cat(options.store, "/objects/", manifest.digest.object_path())));
  manifest.complete = CFS_TRY(complete_places(options, manifest, image.contents.tree));
  const std::string text = CFS_TRY(format_manifest(manifest));
  const std::string directory = options.store + "/manifests";
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return fail_errno(Code::io_error, cat("create ", printable(directory)));
  }
  const std::string path = cat(directory, '/', name, ".toml");
  CFS_TRY(write_manifest(path, text));
  warn_of_persistent_code(manifest, image.contents.tree);
  std::printf("%s\n", path.c_str());
  return {};
}

}  // namespace cfs
