// SPDX-License-Identifier: Apache-2.0
// image_seed DUMP IMAGE: writes the image of a dump, for the fuzzer of the image reader to begin with.
#include <cstdio>

#include "cfs/base/atomic_file.hpp"
#include "cfs/image/erofs_image.hpp"
#include "cfs/input/dump_parser.hpp"

int main(int argc, char** argv) {
  if (argc != 3) {
    return 2;
  }
  auto tree = cfs::load_dump(argv[1]);
  const auto image = tree ? cfs::erofs_image(*std::move(tree)) : tl::unexpected(tree.error());
  const auto written = image ? cfs::write_file(argv[2], *image) : tl::unexpected(image.error());
  if (!written) {
    (void)std::fprintf(stderr, "image_seed: %s\n", written.error().line().c_str());
  }
  return written ? 0 : 1;
}
