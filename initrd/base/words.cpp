// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/words.hpp"

#include "cfs/base/text.hpp"

namespace cfs {

std::string list_words(std::span<const std::string_view> words) {
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i) {
    list += cat(i == 0 ? "" : i + 1 == words.size() ? " or " : ", ", words[i]);
  }
  return list;
}

}  // namespace cfs
