// SPDX-License-Identifier: Apache-2.0
// Which objects of a store its images need.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/digest.hpp"
#include "cfs/base/result.hpp"
#include "cfs/stores/store_contents.hpp"

namespace cfs {

class StoreUse {
 public:
  // `contents` is what read_store(path) gave; it outlives this object.
  StoreUse(const StoreContents& contents, std::string path)
      : contents_(contents), path_(std::move(path)), needed_(contents.objects.size()) {}

  // Marks the image's object and all that it needs as needed. Returns what is wrong, in the order of paths:
  // Code::image_missing, Code::image_malformed, Code::io_error; Code::object_missing for each object that is
  // not there, Code::object_damaged for each that has another size. An image that was added before gives
  // nothing.
  [[nodiscard]] std::vector<Error> add_image(const Digest& digest);

  // Whether contents.objects[object] is.
  [[nodiscard]] bool needed(std::size_t object) const { return needed_[object]; }

  [[nodiscard]] const std::set<Digest>& images() const noexcept { return images_; }

 private:
  // Marks the object; nullptr if it is not there.
  const StoreContents::Object* use(std::string_view path);

  const StoreContents& contents_;
  std::string path_;
  std::vector<bool> needed_;
  std::set<Digest> images_;
};

}  // namespace cfs
