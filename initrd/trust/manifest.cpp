// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/manifest.hpp"

#include <algorithm>
#include <array>

#include "cfs/base/text.hpp"
#include "cfs/base/toml.hpp"

namespace cfs {

namespace {

constexpr auto malformed = Code::manifest_malformed;
constexpr std::uint64_t format_version = 1;
constexpr std::size_t longest_id = 255;
constexpr std::size_t longest_path = 4095;

Result<std::string> required_word(const TomlTable& table, std::optional<std::string> given,
                                  std::string_view key) {
  auto value = CFS_TRY(table.required(std::move(given), key));
  if (value.empty() || value.size() > longest_id) {
    return fail(malformed, cat(key, " must have 1 to ", longest_id, " characters"));
  }
  return value;
}

Result<> parse_image(TomlTable image, Manifest& manifest) {
  auto id = CFS_TRY(image.string("id"));
  auto version = CFS_TRY(image.string("version"));
  const auto security_version = CFS_TRY(image.number("security-version"));
  auto digest_text = CFS_TRY(image.string("digest"));
  auto kind_text = CFS_TRY(image.string("kind"));
  CFS_TRY(image.finish());
  manifest.image_id = CFS_TRY(required_word(image, std::move(id), "id"));
  manifest.version = CFS_TRY(required_word(image, std::move(version), "version"));
  manifest.security_version = CFS_TRY(image.required(security_version, "security-version"));
  const auto digest = Digest::parse(CFS_TRY(image.required(std::move(digest_text), "digest")));
  if (!digest) {
    return fail(malformed, digest.error().what());
  }
  manifest.digest = *digest;
  const auto kind = CFS_TRY(image.required(std::move(kind_text), "kind"));
  if (kind != name(ImageKind::composefs)) {
    return fail(malformed, cat("kind is \"", printable(kind), "\", and only \"composefs\" is known"));
  }
  return {};
}

Result<> parse_requires(TomlTable needs, Manifest& manifest) {
  if (const auto kernel = CFS_TRY(needs.string("kernel"))) {
    if (!kernel_at_least(*kernel, *kernel) || kernel->find_first_not_of("0123456789.") != std::string::npos) {
      return fail(malformed, cat("kernel is \"", printable(*kernel), "\", not a version such as \"6.6\""));
    }
    manifest.kernel_min = *kernel;
  }
  if (const auto release = CFS_TRY(needs.string("kernel-release"))) {
    if (release->empty()) {
      return fail(malformed, "kernel-release is empty");
    }
    manifest.kernel_release = *release;
  }
  return needs.finish();
}

Result<> parse_boot(TomlTable boot, Manifest& manifest) {
  if (auto init = CFS_TRY(boot.strings("init"))) {
    if (init->empty()) {
      return fail(malformed, "init names no program");
    }
    for (const std::string& path : *init) {
      if (path.size() < 2 || path.front() != '/' || path.size() > longest_path) {
        return fail(malformed, cat("init names \"", printable(path), "\", which is not an absolute path"));
      }
    }
    manifest.init = std::move(*init);
  }
  if (auto complete = CFS_TRY(boot.strings("complete"))) {
    if (complete->empty()) {
      return fail(malformed, "complete names no path");
    }
    for (const std::string& path : *complete) {
      if (!is_image_path(path)) {
        return fail(malformed, cat("complete names \"", printable(path),
                                   "\", which is not an absolute path without \".\", \"..\" or \"//\""));
      }
    }
    manifest.complete = std::move(*complete);
  }
  return boot.finish();
}

Result<> parse_state(TomlTable state, Manifest& manifest) {
  manifest.etc = CFS_TRY(state.word("etc", etc_words)).value_or(manifest.etc);
  manifest.var = CFS_TRY(state.word("var", var_words)).value_or(manifest.var);
  return state.finish();
}

std::string format_list(const std::vector<std::string>& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += cat(i == 0 ? "" : ", ", toml_quote(values[i]));
  }
  return text + ']';
}

// The numbers that a kernel version begins with: 6, 12, 9 for "6.12.9-cloud". Zeros for those not there;
// nullopt without two of them.
std::optional<std::array<std::uint32_t, 4>> version_numbers(std::string_view text) noexcept {
  std::array<std::uint32_t, 4> numbers{};
  std::size_t count = 0;
  while (count < numbers.size()) {
    const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
    const auto number = parse_decimal<std::uint32_t>(digits);
    if (!number) {
      break;
    }
    numbers[count++] = *number;
    text.remove_prefix(digits.size());
    if (!text.starts_with('.')) {
      break;
    }
    text.remove_prefix(1);
  }
  return count < 2 ? std::nullopt : std::optional(numbers);
}

}  // namespace

std::string_view name(ImageKind kind) noexcept {
  switch (kind) {
    case ImageKind::composefs:
      return "composefs";
  }
  return {};
}

std::string_view name(EtcMode mode) noexcept {
  return word_of(etc_words, mode);
}

std::string_view name(VarMode mode) noexcept {
  return word_of(var_words, mode);
}

bool is_manifest_name(std::string_view text) noexcept {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 64 && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_image_path(std::string_view text) noexcept {
  if (text == "/") {
    return true;
  }
  if (text.size() > longest_path || !text.starts_with('/')) {
    return false;
  }
  while (!text.empty()) {
    text.remove_prefix(1);
    const auto component = text.substr(0, text.find('/'));
    if (component.empty() || component == "." || component == "..") {
      return false;
    }
    text.remove_prefix(component.size());
  }
  return true;
}

Result<Manifest> parse_manifest(std::string_view text) {
  if (text.size() > manifest_max_bytes) {
    return fail(malformed, cat("larger than the ", manifest_max_bytes, " bytes a manifest may have"));
  }
  TomlTable top = CFS_TRY(TomlTable::parse(text, malformed));
  // The format first: of another one nothing else can be understood.
  const auto format = CFS_TRY(top.number("format"));
  if (format.value_or(format_version) != format_version) {
    return fail(malformed, cat("format is not ", format_version, ", the only one that is known"));
  }
  Manifest manifest;
  auto image = CFS_TRY(top.table("image"));
  if (image) {
    CFS_TRY_IN(parse_image(std::move(*image), manifest), "[image]");
  }
  if (auto table = CFS_TRY(top.table("requires"))) {
    CFS_TRY_IN(parse_requires(std::move(*table), manifest), "[requires]");
  }
  if (auto table = CFS_TRY(top.table("boot"))) {
    CFS_TRY_IN(parse_boot(std::move(*table), manifest), "[boot]");
  }
  if (auto table = CFS_TRY(top.table("state"))) {
    CFS_TRY_IN(parse_state(std::move(*table), manifest), "[state]");
  }
  if (auto table = CFS_TRY(top.table("annotations"))) {
    manifest.annotations = CFS_TRY(table->all_strings());
  }
  CFS_TRY(top.finish());
  CFS_TRY(top.required(format, "format"));
  if (!image) {
    return top.missing("image");
  }
  return manifest;
}

Result<std::string> format_manifest(const Manifest& manifest) {
  std::string text = cat("format = ", format_version, "\n\n[image]\n");
  text += cat("id = ", toml_quote(manifest.image_id), "\n");
  text += cat("version = ", toml_quote(manifest.version), "\n");
  text += cat("security-version = ", manifest.security_version, "\n");
  text += cat("digest = ", toml_quote(manifest.digest.text()), "\n");
  text += cat("kind = ", toml_quote(name(manifest.kind)), '\n');
  if (!manifest.kernel_min.empty() || !manifest.kernel_release.empty()) {
    text += "\n[requires]\n";
  }
  if (!manifest.kernel_min.empty()) {
    text += cat("kernel = ", toml_quote(manifest.kernel_min), "\n");
  }
  if (!manifest.kernel_release.empty()) {
    text += cat("kernel-release = ", toml_quote(manifest.kernel_release), "\n");
  }
  text += cat("\n[boot]\ninit = ", format_list(manifest.init), "\n");
  if (!manifest.complete.empty()) {
    text += cat("complete = ", format_list(manifest.complete), "\n");
  }
  text += cat("\n[state]\netc = ", toml_quote(name(manifest.etc)), "\n");
  text += cat("var = ", toml_quote(name(manifest.var)), "\n");
  if (!manifest.annotations.empty()) {
    text += "\n[annotations]\n";
    for (const auto& [key, value] : manifest.annotations) {
      text += cat(toml_quote(key), " = ", toml_quote(value), "\n");
    }
  }
  // Whatever cannot be read back was not a manifest's value to begin with.
  CFS_TRY(parse_manifest(text));
  return text;
}

bool kernel_at_least(std::string_view release, std::string_view minimum) noexcept {
  const auto has = version_numbers(release);
  const auto needs = version_numbers(minimum);
  return has && needs && *has >= *needs;
}

}  // namespace cfs
