// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <string>
#include <string_view>
#include <variant>

#include "cfs/base/json.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/dump_writer.hpp"
#include "cfs/image/erofs_format.hpp"
#include "cfs/image/image_reader.hpp"
#include "cfs/image/tree_walk.hpp"
#include "command/command.hpp"
#include "command/image_argument.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct InspectOptions {
  std::string image;
  std::string store;  // empty: the image is a file
  bool json = false;
};

std::string_view type_name(mode_t mode) {
  using erofs::FileType;
  switch (erofs::file_type(mode)) {
    case FileType::regular:
      return "file";
    case FileType::directory:
      return "directory";
    case FileType::character:
      return "character-device";
    case FileType::block:
      return "block-device";
    case FileType::fifo:
      return "fifo";
    case FileType::socket:
      return "socket";
    case FileType::link:
      return "symlink";
    case FileType::unknown:
      break;
  }
  return "unknown";
}

// Permissions, as chmod(1) takes them.
std::string octal(mode_t mode) {
  const std::string text = to_octal(mode & 07777U);
  return std::string(4 - text.size(), '0') + text;
}

void add_content(Json& out, const Inode& inode) {
  if (const auto* file = std::get_if<ExternalFile>(&inode.content)) {
    out.number("size", file->size);
    if (const std::string path = file->path(); !path.empty()) {
      out.text("object", path);
    }
    if (file->has_digest()) {
      out.text("digest", file->digest.text());
    }
  } else if (const auto* text = std::get_if<std::string>(&inode.content)) {
    out.number("size", text->size()).text(inode.is(S_IFLNK) ? "target" : "content", *text);
  } else if (inode.is(S_IFREG)) {
    out.number("size", 0);
  } else if (inode.is(S_IFCHR) || inode.is(S_IFBLK)) {
    out.number("major", major(inode.rdev)).number("minor", minor(inode.rdev));
  }
}

std::string json_entry(const std::string& path, const Inode& inode, std::uint32_t links,
                       const std::string* same_as) {
  Json out = Json::object();
  out.text("path", path);
  if (same_as != nullptr) {
    return out.text("hard-link-to", *same_as).str();
  }
  out.text("type", type_name(inode.mode))
      .text("mode", octal(inode.mode))
      .number("links", links)
      .number("uid", inode.uid)
      .number("gid", inode.gid)
      .number("mtime", inode.mtime_sec)
      .number("mtime-nsec", inode.mtime_nsec);
  add_content(out, inode);
  if (!inode.xattrs.empty()) {
    Json xattrs = Json::object();
    for (const Xattr* xattr : inode.xattrs) {
      xattrs.text(xattr->name, xattr->value);
    }
    out.raw("xattrs", xattrs.str());
  }
  return out.str();
}

Result<> print_json(const ImageFile& image) {
  const FileTree& tree = image.contents.tree;
  HardLinks links(tree);
  CFS_TRY(print(cat("{\"format\":", image.contents.format, ",\"digest\":", json_quote(image.digest.text()),
                    ",\"entries\":")));
  PrintedArray entries;
  CFS_TRY(walk_tree(tree, "/", 0, [&](const std::string& path, InodeId id) {
    return entries.item(json_entry(path, tree.inodes[id], links.count(id), links.earlier_name(path, id)));
  }));
  CFS_TRY(entries.end());
  return print("}\n");
}

Result<> run(const InspectOptions& options) {
  const ImageFile image = CFS_TRY(load_named_image(options.image, options.store));
  return options.json ? print_json(image) : write_dump(image.contents.tree, print);
}

}  // namespace

void add_inspect(CLI::App& app, Action& action) {
  auto options = std::make_shared<InspectOptions>();
  auto* command = add_command(app, action, "inspect",
                              "Print what an image holds, as a dump that compose takes", options, run);
  command->add_flag("--json", options->json, "Print JSON");
  command
      ->add_option("--store", options->store,
                   "Take IMAGE from this store: a digest or the name of a manifest; with a slash, a file")
      ->type_name("DIR");
  command->add_option("IMAGE", options->image, "The image: a file, such as an object of a store")->required();
}

}  // namespace cfs
