// SPDX-License-Identifier: Apache-2.0
#include "cfs/store/boot_profile.hpp"

#include <set>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::string_view first_line = "composefs-root boot profile 1";
constexpr std::string_view image_word = "image ";

tl::unexpected<Error> malformed(std::string_view line) {
  return fail(Code::profile_malformed,
              cat('"', printable(line), "\" is not a line that a boot profile can have there"));
}

Result<BootProfile::Object> parse_object(std::string_view line) {
  const auto words = split(line, ' ');
  BootProfile::Object object;
  const auto digest = Digest::parse(words.front());
  if (!digest || words.size() < 2) {
    return malformed(line);
  }
  object.digest = *digest;
  std::uint64_t free = 0;  // the first block where the next range may begin
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto numbers = split(words[i], '+');
    const auto first = parse_decimal<std::uint32_t>(numbers.front());
    const auto count = parse_decimal<std::uint32_t>(numbers.back()).value_or(0);
    if (numbers.size() != 2 || !first || count == 0 || *first < free) {
      return malformed(line);
    }
    object.ranges.push_back({*first, count});
    free = std::uint64_t{*first} + count + 1;
  }
  return object;
}

}  // namespace

Result<BootProfile> parse_boot_profile(std::string_view text) {
  if (text.size() > boot_profile_max_bytes) {
    return fail(Code::profile_malformed,
                cat("larger than the ", boot_profile_max_bytes, " bytes it may have"));
  }
  auto lines = split(text, '\n');
  if (lines.size() < 3 || lines[0] != first_line || !lines[1].starts_with(image_word) ||
      !lines.back().empty()) {
    return malformed(text.substr(0, text.find('\n')));
  }
  BootProfile profile;
  const auto image = Digest::parse(lines[1].substr(image_word.size()));
  if (!image) {
    return malformed(lines[1]);
  }
  profile.image = *image;
  std::set<Digest> seen;
  for (std::size_t i = 2; i + 1 < lines.size(); ++i) {
    profile.objects.push_back(CFS_TRY(parse_object(lines[i])));
    if (!seen.insert(profile.objects.back().digest).second) {
      return malformed(lines[i]);
    }
  }
  // Numbers have more than one spelling.
  if (format_boot_profile(profile) != text) {
    return fail(Code::profile_malformed, "a number in it has leading zeros");
  }
  return profile;
}

std::string format_boot_profile(const BootProfile& profile) {
  std::string text = cat(first_line, '\n', image_word, profile.image.text(), '\n');
  for (const BootProfile::Object& object : profile.objects) {
    text += object.digest.text();
    for (const BootProfile::Range& range : object.ranges) {
      text += cat(' ', range.first, '+', range.count);
    }
    text += '\n';
  }
  return text;
}

Result<BootProfile> read_boot_profile(const std::string& path) {
  return CFS_TRY_IN(parse_boot_profile(CFS_TRY(read_file(path, boot_profile_max_bytes))), printable(path));
}

}  // namespace cfs
