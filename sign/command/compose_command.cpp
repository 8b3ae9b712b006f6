// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>
#include <variant>

#include "cfs/base/file.hpp"
#include "cfs/base/json.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/erofs_image.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/input/dump_parser.hpp"
#include "cfs/input/filter.hpp"
#include "cfs/input/input.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/stores/store_writer.hpp"
#include "cfs/tool/progress.hpp"
#include "cfs/tool/source_date.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct ComposeOptions {
  std::string store;                  // empty with digest_only
  std::string root;                   // directory, tar archive or OCI image; empty with dump
  std::string dump;                   // file, or "-"
  std::optional<ImageFormat> format;  // none: as mkcomposefs chooses
  std::string platform;               // of an OCI image; empty: the only one
  std::vector<std::string> exclude;
  std::optional<std::int64_t> mtime;  // none: SOURCE_DATE_EPOCH
  std::string selinux;                // file contexts
  HashAlgorithm hash = HashAlgorithm::sha256;
  bool owner_root = false;
  bool digest_only = false;
  bool json = false;
};

// A store below the root would become part of its own image.
Result<> check_store_outside(const std::string& store, const std::string& root) {
  std::error_code error;
  const auto inside = std::filesystem::weakly_canonical(store, error);
  const auto outside = std::filesystem::weakly_canonical(root, error);
  if (!error &&
      std::mismatch(outside.begin(), outside.end(), inside.begin(), inside.end()).first == outside.end()) {
    return fail(Code::usage,
                cat("the store ", printable(store), " lies in the root directory ", printable(root)));
  }
  return {};
}

// A dump brings no contents: an image is put only beside objects that are there.
Result<> check_objects(const FileTree& tree, const std::string& store) {
  const Fd objects = CFS_TRY(open_directory(cat(store, '/', store_layout::objects)));
  for (const Inode& inode : tree.inodes) {
    const auto* file = std::get_if<ExternalFile>(&inode.content);
    if (file == nullptr || file->path().empty()) {
      continue;
    }
    if (const std::string path = file->path(); ::faccessat(objects.get(), path.c_str(), F_OK, 0) != 0) {
      return fail(Code::not_found,
                  cat("the object ", printable(path), " of the dump is not in the store ", printable(store)));
    }
  }
  return {};
}

Result<FileTree> read_tree(const ComposeOptions& options, StoreWriter* store) {
  if (options.dump.empty()) {
    Progress progress("composing");
    const Exclusions exclude(options.exclude);
    return read_input(
        options.root, options.platform,
        {.store = store, .progress = &progress, .threads = 0, .exclude = &exclude, .hash = options.hash});
  }
  if (!options.exclude.empty() || !options.platform.empty()) {
    return fail(Code::usage, "--exclude and --platform are not for dumps");
  }
  FileTree tree = CFS_TRY(load_dump(options.dump));
  if (store != nullptr) {
    CFS_TRY(check_objects(tree, options.store));
  }
  return tree;
}

std::string json(const Digest& digest, std::size_t files, std::size_t image_bytes, const StoreWriter* store) {
  Json out = Json::object();
  out.text("digest", digest.text()).number("files", files).number("image-bytes", image_bytes);
  if (store != nullptr) {
    const Work added = store->added();
    out.number("objects-added", added.files).number("bytes-added", added.bytes);
  }
  return out.str() + '\n';
}

Result<> run(const ComposeOptions& options) {
  FilterOptions filters;
  filters.owner_root = options.owner_root;
  filters.mtime_max = options.mtime;  // what is later is clamped
  if (!filters.mtime_max) {
    filters.mtime_max = CFS_TRY(source_date());
  }
  filters.selinux = options.selinux;
  std::unique_ptr<StoreWriter> store;
  if (!options.digest_only) {
    if (options.dump.empty()) {
      CFS_TRY(check_store_outside(options.store, options.root));
    }
    store = CFS_TRY(StoreWriter::open_or_create(options.store));
  }
  const std::string source = printable(options.dump.empty() ? options.root : options.dump);
  FileTree tree = CFS_TRY(read_tree(options, store.get()));
  CFS_TRY_IN(filter(tree, filters), source);
  const std::size_t files = tree.inodes.size();
  const std::string image = CFS_TRY_IN(erofs_image(std::move(tree), options.format), source);
  const Digest digest = CFS_TRY(compute_verity(image, options.hash));
  if (store != nullptr) {
    CFS_TRY_IN(store->add_image(digest, image), printable(options.store));
  }
  return print(options.json ? json(digest, files, image.size(), store.get()) : cat(digest.text(), '\n'));
}

constexpr auto format_words =
    std::to_array<Word<ImageFormat>>({{ImageFormat::v0, "v0"}, {ImageFormat::v1, "v1"}});

}  // namespace

void add_compose(CLI::App& app, Action& action) {
  auto options = std::make_shared<ComposeOptions>();
  auto* command = add_command(app, action, "compose",
                              "Turn a root directory, a tar archive or a container image into an image in a "
                              "store, and print its digest",
                              options, run);
  auto* output = command->add_option_group("Result");
  output->require_option(1);
  output->add_option("--store", options->store, "Store directory; made if it is not there")->type_name("DIR");
  output->add_flag("--digest-only", options->digest_only, "Only print the digest, and write nothing");
  command
      ->add_option("--format", options->format,
                   "Version of the image's format: v0 or v1 (default: as mkcomposefs, v1 only where there "
                   "are whiteouts)")
      ->type_name("NAME")
      ->transform(WordOf(format_words), "");
  command->add_option("--hash", options->hash, "What digests are made with: sha256 (the default) or sha512")
      ->type_name("NAME")
      ->transform(WordOf(hash_words), "");
  auto* input = command->add_option_group("Input");
  input->require_option(1);
  input
      ->add_option("--from-dump", options->dump,
                   "Text that describes the tree, as composefs-dump(5); - for standard input")
      ->type_name("FILE");
  input->add_option("ROOTFS", options->root,
                    "A root directory; a tar archive, compressed or not, - for standard input; or "
                    "an OCI image layout, DIR or oci:DIR[:TAG]");
  command
      ->add_option("--platform", options->platform, "Which image of an OCI image index, such as linux/arm64")
      ->type_name("OS/ARCH");
  command
      ->add_option("--exclude", options->exclude,
                   "Leave out what matches: *.pyc, var/cache/*. '*' matches '/' too. May be repeated")
      ->type_name("PATTERN")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);  // the next word may be ROOTFS
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--owner-root", options->owner_root, "Give everything to user and group 0");
  command
      ->add_option("--mtime", options->mtime,
                   "Turn later times into this one, in seconds since 1970 (default: SOURCE_DATE_EPOCH)")
      ->type_name("SECONDS")
      ->check(check_number, "");
  command
      ->add_option("--selinux", options->selinux,
                   "Label everything as these file contexts of an SELinux policy say")
      ->type_name("FILE");
}

}  // namespace cfs
