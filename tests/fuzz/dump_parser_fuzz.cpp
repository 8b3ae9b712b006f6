// SPDX-License-Identifier: Apache-2.0
// Any text: parse_dump() refuses it or gives a tree whose dump is read as the same tree.
#include <cstdint>
#include <cstdlib>

#include "cfs/image/dump_writer.hpp"
#include "cfs/input/dump_parser.hpp"

namespace {

std::string dump_of(const cfs::FileTree& tree) {
  std::string text;
  const auto written = cfs::write_dump(tree, [&](std::string_view part) {
    text += part;
    return cfs::Result<>();
  });
  return written ? text : (std::abort(), std::string());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tree = cfs::parse_dump({reinterpret_cast<const char*>(data), size});
  if (!tree) {
    return 0;
  }
  const std::string dump = dump_of(*tree);
  const auto again = cfs::parse_dump(dump);
  if (!again || dump_of(*again) != dump) {
    std::abort();
  }
  return 0;
}
