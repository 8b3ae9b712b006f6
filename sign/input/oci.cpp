// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/oci.hpp"

#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "cfs/base/digest.hpp"
#include "cfs/base/fd.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/input/tar.hpp"
#include "cfs/input/tree_builder.hpp"

namespace cfs {

namespace {

using nlohmann::json;

constexpr std::size_t document_max = 4UL << 20;  // as registries have it, for manifests
constexpr std::size_t layers_max = 1024;
constexpr std::size_t read_size = 1UL << 20;
constexpr int index_depth_max = 4;

constexpr std::string_view tag_annotation = "org.opencontainers.image.ref.name";

// What names a blob.
struct Descriptor {
  Digest digest;  // of the bytes as they are: not an fs-verity one
  std::uint64_t size = 0;
  std::string media_type;
  std::string platform;  // "linux/arm64"; empty: not said
  std::optional<std::string> tag;

  [[nodiscard]] std::string path() const {
    const std::string text = digest.text();
    const auto colon = text.find(':');
    return cat("blobs/", text.substr(0, colon), '/', text.substr(colon + 1));
  }
};

// A member of a JSON object, if it is there and a string.
std::optional<std::string> text_member(const json& object, std::string_view name) {
  const auto member = object.is_object() ? object.find(name) : object.end();
  if (member == object.end() || !member->is_string()) {
    return std::nullopt;
  }
  return member->get<std::string>();
}

const json* member(const json& object, std::string_view name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found == object.end() ? nullptr : &*found;
}

std::string platform_of(const json& descriptor) {
  const json* platform = member(descriptor, "platform");
  if (platform == nullptr) {
    return "";
  }
  const auto variant = text_member(*platform, "variant");
  return cat(text_member(*platform, "os").value_or(""), '/',
             text_member(*platform, "architecture").value_or(""), variant ? cat('/', *variant) : "");
}

Result<Descriptor> parse_descriptor(const json& object) {
  const auto digest = text_member(object, "digest");
  const json* size = member(object, "size");
  if (!digest || size == nullptr || !size->is_number_unsigned()) {
    return fail(Code::archive_malformed, "an entry without digest or size");
  }
  Descriptor descriptor;
  descriptor.digest = CFS_TRY(Digest::parse(*digest));
  descriptor.size = size->get<std::uint64_t>();
  descriptor.media_type = text_member(object, "mediaType").value_or("");
  descriptor.platform = platform_of(object);
  if (const json* annotations = member(object, "annotations")) {
    descriptor.tag = text_member(*annotations, tag_annotation);
  }
  return descriptor;
}

Result<json> parse_document(const std::string& text) {
  json document = json::parse(text, nullptr, false);
  if (!document.is_object()) {
    return fail(Code::archive_malformed, "it is not a JSON object");
  }
  return document;
}

Result<std::vector<Descriptor>> parse_descriptors(const json& document, std::string_view list) {
  const json* entries = member(document, list);
  if (entries == nullptr || !entries->is_array()) {
    return fail(Code::archive_malformed, cat("it has no list \"", list, '"'));
  }
  std::vector<Descriptor> descriptors;
  for (const json& entry : *entries) {
    descriptors.push_back(CFS_TRY_IN(parse_descriptor(entry), std::string(list)));
  }
  return descriptors;
}

// A blob that is read from its start to its end, and hashed on the way.
class Blob {
 public:
  static Result<Blob> open(const Fd& layout, const Descriptor& descriptor) {
    Fd file = CFS_TRY(open_file_beneath(layout, descriptor.path()));
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) {
      return fail_errno(Code::io_error, "look at it");
    }
    if (static_cast<std::uint64_t>(status.st_size) != descriptor.size) {
      return fail(Code::blob_mismatch, cat("it has ", status.st_size, " bytes, not ", descriptor.size));
    }
    Blob blob(std::move(file), descriptor.digest);
    const auto* algorithm =
        descriptor.digest.algorithm() == HashAlgorithm::sha256 ? EVP_sha256() : EVP_sha512();
    if (EVP_DigestInit_ex(blob.hash_.get(), algorithm, nullptr) != 1) {
      return fail(Code::io_error, "hash it");
    }
    return blob;
  }

  // None at the end.
  Result<std::span<const char>> next() {
    const auto bytes = std::span<const char>(buffer_).first(CFS_TRY(read_some(file_, buffer_)));
    if (EVP_DigestUpdate(hash_.get(), bytes.data(), bytes.size()) != 1) {
      return fail(Code::io_error, "hash it");
    }
    return bytes;
  }

  // Reads what is left, and compares.
  Result<> verify() {
    while (!CFS_TRY(next()).empty()) {
    }
    std::vector<unsigned char> bytes(digest_.bytes().size());
    if (EVP_DigestFinal_ex(hash_.get(), bytes.data(), nullptr) != 1) {
      return fail(Code::io_error, "hash it");
    }
    if (CFS_TRY(Digest::from_bytes(digest_.algorithm(), bytes)) != digest_) {
      return fail(Code::blob_mismatch, "its contents do not hash to its name");
    }
    return {};
  }

 private:
  Blob(Fd file, Digest digest) : file_(std::move(file)), digest_(digest) {}

  struct HashDeleter {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };

  Fd file_;
  Digest digest_;
  std::unique_ptr<EVP_MD_CTX, HashDeleter> hash_{EVP_MD_CTX_new()};
  std::vector<char> buffer_ = std::vector<char>(read_size);
};

Result<json> read_document(const Fd& layout, const Descriptor& descriptor) {
  if (descriptor.size > document_max) {
    return fail(Code::unsupported_input, cat("it is larger than ", document_max, " bytes"));
  }
  Blob blob = CFS_TRY(Blob::open(layout, descriptor));
  std::string text;
  for (auto bytes = CFS_TRY(blob.next()); !bytes.empty() && text.size() <= document_max;
       bytes = CFS_TRY(blob.next())) {
    text.append(bytes.data(), bytes.size());
  }
  CFS_TRY(blob.verify());
  return parse_document(text);
}

Result<json> read_layout_file(const Fd& layout, const std::string& name) {
  const Fd file = CFS_TRY(open_file_beneath(layout, name));
  const std::string text = CFS_TRY(read_all(file, document_max));
  return parse_document(text);
}

// The names of those that could be meant, for people.
std::string listed(const std::set<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    list += cat(list.empty() ? "" : ", ", printable(name));
  }
  return list;
}

// The one image of an index that is meant.
Result<Descriptor> choose(std::vector<Descriptor> descriptors, const OciImage& image, bool by_tag) {
  // What build tools note about an image lies beside it in the index, as if it were for a platform of its
  // own.
  std::erase_if(descriptors, [](const Descriptor& each) { return each.platform == "unknown/unknown"; });
  std::set<std::string> tags;
  std::set<std::string> platforms;
  for (const Descriptor& each : descriptors) {
    tags.insert(each.tag.value_or(""));
    platforms.insert(each.platform);
  }
  tags.erase("");
  platforms.erase("");
  if (by_tag && !image.tag.empty()) {
    std::erase_if(descriptors, [&](const Descriptor& each) { return each.tag != image.tag; });
    if (descriptors.empty()) {
      return fail(Code::not_found, cat("no image is tagged ", printable(image.tag),
                                       tags.empty() ? "" : cat("; there are ", listed(tags))));
    }
  }
  if (!image.platform.empty()) {
    std::erase_if(descriptors, [&](const Descriptor& each) {
      return !each.platform.empty() && each.platform != image.platform;
    });
    if (descriptors.empty()) {
      return fail(Code::not_found,
                  cat("no image is for ", printable(image.platform), "; there are ", listed(platforms)));
    }
  }
  if (descriptors.empty()) {
    return fail(Code::not_found, "it names no image");
  }
  if (descriptors.size() > 1) {
    const bool ask_tag = by_tag && image.tag.empty() && tags.size() > 1;
    return fail(Code::not_found,
                cat("it names ", descriptors.size(), " images; choose a ",
                    ask_tag ? cat("tag: ", listed(tags)) : cat("platform: ", listed(platforms))));
  }
  return std::move(descriptors.front());
}

// The image's manifest, through as many indexes as it takes.
Result<json> find_manifest(const Fd& layout, const OciImage& image) {
  json document = CFS_TRY_IN(read_layout_file(layout, "index.json"), "index.json");
  std::string name = "index.json";
  for (int depth = 0; depth <= index_depth_max; ++depth) {
    const auto descriptors = CFS_TRY_IN(parse_descriptors(document, "manifests"), name);
    const Descriptor chosen = CFS_TRY_IN(choose(descriptors, image, depth == 0), name);
    name = chosen.path();
    document = CFS_TRY_IN(read_document(layout, chosen), name);
    if (member(document, "layers") != nullptr) {
      return document;
    }
  }
  return fail(Code::archive_malformed, "its indexes are nested too deep");
}

Result<> check_layout(const Fd& layout) {
  const json marker = CFS_TRY_IN(read_layout_file(layout, "oci-layout"), "oci-layout");
  const auto version = text_member(marker, "imageLayoutVersion");
  if (!version || !version->starts_with("1.")) {
    return fail(Code::unsupported_input, "oci-layout: it is not of version 1");
  }
  return {};
}

Result<> add_layer(const Fd& layout, const Descriptor& descriptor, TreeBuilder& tree,
                   const ScanOptions& options) {
  // The media types of OCI and Docker, with and without compression, which libarchive recognises itself.
  if (!descriptor.media_type.empty() && descriptor.media_type.find("tar") == std::string::npos) {
    return fail(Code::unsupported_input,
                cat("a layer of the unknown kind ", printable(descriptor.media_type)));
  }
  Blob blob = CFS_TRY(Blob::open(layout, descriptor));
  tree.begin_layer();
  Result<> outcome = read_tar([&] { return blob.next(); }, tree, Whiteouts::hide_lower_layers, options);
  // First of all it must be the right one: what is wrong inside another does not matter.
  CFS_TRY(blob.verify());
  return outcome;
}

Result<FileTree> read_image(const OciImage& image, const ScanOptions& options) {
  const Fd layout = CFS_TRY(open_directory(image.directory));
  CFS_TRY(check_layout(layout));
  const json manifest = CFS_TRY(find_manifest(layout, image));
  const auto layers = CFS_TRY_IN(parse_descriptors(manifest, "layers"), "its manifest");
  if (layers.size() > layers_max) {
    return fail(Code::unsupported_input, cat("it has ", layers.size(), " layers"));
  }
  TreeBuilder tree(options.exclude);
  for (const Descriptor& layer : layers) {
    CFS_TRY_IN(add_layer(layout, layer, tree, options), layer.path());
  }
  return std::move(tree).finish();
}

}  // namespace

bool is_oci_layout(const std::string& directory) {
  return ::access(cat(directory, "/oci-layout").c_str(), F_OK) == 0 &&
         ::access(cat(directory, "/index.json").c_str(), F_OK) == 0;
}

Result<FileTree> load_oci(const OciImage& image, const ScanOptions& options) {
  return CFS_TRY_IN(read_image(image, options), cat("the OCI image in ", printable(image.directory)));
}

}  // namespace cfs
