// SPDX-License-Identifier: Apache-2.0
#include "profile.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "cfs/base/text.hpp"
#include "cfs/tool/svg.hpp"

namespace cfs::instructions {

namespace {

std::optional<std::uint64_t> hexadecimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::vector<Share> by_size(const std::map<std::string, std::uint64_t>& shares) {
  std::vector<Share> sorted;
  sorted.reserve(shares.size());
  for (const auto& [name, instructions] : shares) {
    sorted.push_back({name, instructions});
  }
  std::sort(sorted.begin(), sorted.end(), [](const Share& a, const Share& b) {
    return std::tie(b.instructions, a.name) < std::tie(a.instructions, b.name);
  });
  return sorted;
}

std::string rows_of(const std::vector<Share>& shares, std::uint64_t whole, std::size_t rows) {
  std::string text;
  for (std::size_t i = 0; i < std::min(rows, shares.size()); ++i) {
    const auto share = static_cast<double>(shares[i].instructions);
    text += format("%12.3f %6.2f %%  ", share / 1e6, 100 * share / static_cast<double>(whole));
    text += cat(shares[i].name, '\n');
  }
  return text;
}

}  // namespace

Result<std::vector<Span>> parse_spans(std::string_view text) {
  std::vector<Span> spans;
  if (text.empty()) {
    return spans;
  }
  for (const std::string_view word : split(text, ',')) {
    const auto names = split(word, ':');
    const auto from = stage_by_name(names.front());
    const auto to = stage_by_name(names.back());
    if (names.size() != 2 || !from || !to) {
      return fail(Code::usage, cat('"', printable(word), "\" is not two stages, FROM:TO"));
    }
    spans.push_back({.from = *from, .to = *to});
  }
  return spans;
}

Result<Profile> profile(std::string_view blocks, const Span& span, const CodeIndex& index) {
  std::map<std::string, std::uint64_t> functions;
  std::map<std::string, std::uint64_t> programs;
  Profile result;
  bool begun = false;
  bool ended = false;
  bool inside = false;  // of a part that ends with a stage in the span
  for (const std::string_view line : split(blocks, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() == 2 && words[0] == "stage") {
      inside = begun && !ended;
      begun = begun || words[1] == name(span.from);
      ended = ended || (inside && words[1] == name(span.to));
      continue;
    }
    const auto address = words.size() == 3 ? hexadecimal(words[0]) : std::nullopt;
    const auto hash = address ? hexadecimal(words[1]) : std::nullopt;
    const auto count = hash ? parse_decimal<std::uint64_t>(words[2]) : std::nullopt;
    if (!line.empty() && !count) {
      return fail(Code::unsupported_input, cat("the plugin wrote \"", printable(line), '"'));
    }
    if (!inside || !count) {
      continue;
    }
    const Function function = index.find(*address, *hash);
    functions[cat(function.program, function.name.empty() ? "" : ": ", function.name)] += *count;
    programs[function.program] += *count;
    result.instructions += *count;
  }
  if (!ended) {
    return fail(Code::not_found, cat("this boot has no ", name(span.to), " after ", name(span.from)));
  }
  result.functions = by_size(functions);
  result.programs = by_size(programs);
  return result;
}

std::string text_of(const Profile& profile, const std::string& title, std::size_t rows) {
  return cat(title, ": ", format("%.3f", static_cast<double>(profile.instructions) / 1e6),
             " M instructions\n", rows_of(profile.functions, profile.instructions, rows), "  by program\n",
             rows_of(profile.programs, profile.instructions, rows / 2));
}

}  // namespace cfs::instructions
