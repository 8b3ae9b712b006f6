// SPDX-License-Identifier: Apache-2.0
// Manual pages of this project, so that tests can hold them to what the code does.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/text.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {

// The source (mdoc) of a page, by its path in the tree.
inline std::string manual_page(const std::string& path) {
  return read_bytes(CFS_TEST_DATA "/../../" + path);
}

// What the items of its lists name by `macro`, each on a line ".It MACRO NAME , NAME".
inline std::multiset<std::string> items(const std::string& page, const std::string& macro) {
  const std::string item = ".It " + macro + ' ';
  std::multiset<std::string> names;
  for (const std::string_view line : split(page, '\n')) {
    for (const std::string_view name : split(line.starts_with(item) ? line.substr(item.size()) : "", ' ')) {
      if (!name.empty() && name != ",") {
        names.emplace(name);
      }
    }
  }
  return names;
}

// The texts that it displays under EXAMPLES.
inline std::vector<std::string> examples(const std::string& page) {
  constexpr std::string_view begin = ".Bd -literal -offset indent\n";
  std::vector<std::string> texts;
  for (auto at = page.find(begin, page.find(".Sh EXAMPLES\n")); at != std::string::npos;
       at = page.find(begin, at)) {
    at += begin.size();
    texts.push_back(page.substr(at, page.find(".Ed\n", at) - at));
  }
  return texts;
}

// The keys of a TOML text in which each stands on a line of its own, with the names of their tables.
inline std::multiset<std::string> toml_keys(const std::string& text) {
  std::multiset<std::string> keys;
  std::string table;
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with('[')) {
      table = cat(line.substr(1, line.find(']') - 1), '.');
    } else if (const auto equals = line.find(" = "); equals != std::string_view::npos) {
      keys.insert(cat(table, line.substr(0, equals)));
    }
  }
  return keys;
}

}  // namespace cfs
