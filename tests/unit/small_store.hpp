// SPDX-License-Identifier: Apache-2.0
// A small store with an image, made as compose does.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "cfs/image/erofs_image.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/input/scan.hpp"
#include "cfs/stores/store_writer.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {

class SmallStore {
 public:
  SmallStore() { std::filesystem::create_directory(path()); }

  [[nodiscard]] std::string path(std::string_view name = {}) const {
    return directory_.path(name.empty() ? "store" : "store/" + std::string(name));
  }

  void write(std::string_view name, std::string_view bytes) const {
    directory_.write("store/" + std::string(name), bytes);
  }

  // Composes an image whose files NAME have these contents, and returns its digest.
  [[nodiscard]] Digest compose(const std::vector<std::pair<std::string, std::string>>& files) const {
    const TempDirectory root;
    for (const auto& [name, bytes] : files) {
      root.write(name, bytes);
    }
    const auto store = StoreWriter::open_or_create(path()).value();
    const std::string image = erofs_image(scan(root.path(), {.store = store.get()}).value()).value();
    const Digest digest = compute_verity(image).value();
    EXPECT_TRUE(store->add_image(digest, image));
    return digest;
  }

  // A manifest of that name, with a file where its signatures would be.
  void add_manifest(const std::string& name, const Digest& digest) const {
    write("manifests/" + name + ".toml",
          "format = 1\n[image]\nid = \"demo\"\nversion = \"1\"\nsecurity-version = 1\ndigest = \"" +
              digest.text() + "\"\nkind = \"composefs\"\n[boot]\ninit = [\"/sbin/init\"]\n");
    write("manifests/" + name + ".toml.sig", "signatures");
  }

  void set_slot(std::string_view slot, const std::string& name) const {
    directory_.link("store/slots/" + std::string(slot), "../manifests/" + name + ".toml");
  }

  // Where an object with these contents lies, below the store.
  [[nodiscard]] static std::string object(std::string_view bytes) {
    return object(compute_verity(bytes).value());
  }
  [[nodiscard]] static std::string object(const Digest& digest) { return "objects/" + digest.object_path(); }

  [[nodiscard]] bool has(std::string_view name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(path(name)));
  }

 private:
  TempDirectory directory_;
};

inline const std::string content_a(1000, 'a');
inline const std::string content_b(1000, 'b');
inline const std::string content_c(1000, 'c');

}  // namespace cfs
