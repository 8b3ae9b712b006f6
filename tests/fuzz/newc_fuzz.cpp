// SPDX-License-Identifier: Apache-2.0
// Any bytes: NewcReader refuses them, or what it gives lies in them and has a path that leads nowhere else.
#include <sys/stat.h>

#include <cstdint>
#include <cstdlib>
#include <functional>

#include "cfs/archive/newc.hpp"
#include "cfs/base/text.hpp"

namespace {

bool lies_in(std::string_view part, std::string_view whole) {
  const std::less_equal<> before;
  return part.empty() || (before(whole.data(), part.data()) &&
                          before(part.data() + part.size(), whole.data() + whole.size()));
}

bool leads_elsewhere(std::string_view path) {
  if (path.empty()) {
    return false;
  }
  for (const std::string_view part : cfs::split(path, '/')) {
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  cfs::NewcReader reader(bytes);
  do {
    for (;;) {
      const std::size_t before = reader.position();
      const auto entry = reader.next();
      if (!entry) {
        if (reader.position() != before) {
          std::abort();
        }
        return 0;
      }
      if (reader.position() <= before || reader.position() > size) {
        std::abort();
      }
      if (!*entry) {
        break;
      }
      if (!lies_in((*entry)->path, bytes) || !lies_in((*entry)->contents, bytes) ||
          leads_elsewhere((*entry)->path)) {
        std::abort();
      }
    }
  } while (!reader.rest().empty());
  return 0;
}
