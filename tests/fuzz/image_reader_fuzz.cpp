// SPDX-License-Identifier: Apache-2.0
// Any bytes: read_image() refuses them or gives a tree that can be written as a dump; and an image that is
// made of the tree, where that can be, gives the same bytes again when it is read and made once more.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "cfs/image/dump_writer.hpp"
#include "cfs/image/erofs_image.hpp"
#include "cfs/image/image_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto read = cfs::read_image({reinterpret_cast<const char*>(data), size});
  if (!read) {
    return read.error().code() == cfs::Code::image_malformed ? 0 : (std::abort(), 0);
  }
  if (!cfs::write_dump(read->tree, [](std::string_view) { return cfs::Result<>(); })) {
    std::abort();
  }
  const auto format = static_cast<cfs::ImageFormat>(std::min(read->format, 1U));
  const auto image = cfs::erofs_image(std::move(read->tree), format);
  if (!image) {
    return 0;
  }
  auto again = cfs::read_image(*image);
  if (!again || cfs::erofs_image(std::move(again->tree), format).value() != *image) {
    std::abort();
  }
  return 0;
}
