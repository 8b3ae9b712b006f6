// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/manifest.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "unit/manual_page.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

constexpr std::string_view digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

std::string image_table() {
  return "format = 1\n[image]\nid = \"demo\"\nversion = \"1.0\"\nsecurity-version = 7\ndigest = \"" +
         std::string(digest) + "\"\nkind = \"composefs\"\n";
}

TEST(Manifest, ReadsEveryKey) {
  const auto manifest = parse_manifest(image_table() +
                                       "[requires]\nkernel = \"6.6\"\nkernel-release = \"6.12.9-cloud\"\n"
                                       "[boot]\ninit = [\"/sbin/init\", \"/usr/bin/other\"]\n"
                                       "complete = [\"/etc\", \"/usr/lib/systemd\"]\n"
                                       "[state]\netc = \"overlay\"\nvar = \"transient\"\n"
                                       "[annotations]\n\"org.example.commit\" = \"abc\"\n");
  ASSERT_TRUE(manifest) << manifest.error().what();
  EXPECT_EQ(manifest->image_id, "demo");
  EXPECT_EQ(manifest->version, "1.0");
  EXPECT_EQ(manifest->security_version, 7U);
  EXPECT_EQ(manifest->digest.text(), digest);
  EXPECT_EQ(manifest->kernel_min, "6.6");
  EXPECT_EQ(manifest->kernel_release, "6.12.9-cloud");
  EXPECT_EQ(manifest->init, (std::vector<std::string>{"/sbin/init", "/usr/bin/other"}));
  EXPECT_EQ(manifest->complete, (std::vector<std::string>{"/etc", "/usr/lib/systemd"}));
  EXPECT_EQ(manifest->etc, EtcMode::overlay);
  EXPECT_EQ(manifest->var, VarMode::transient);
  EXPECT_EQ(manifest->annotations.at("org.example.commit"), "abc");
}

TEST(Manifest, AbsentTablesGiveDefaults) {
  const auto manifest = parse_manifest(image_table());
  ASSERT_TRUE(manifest) << manifest.error().what();
  EXPECT_EQ(manifest->init, std::vector<std::string>{"/sbin/init"});
  EXPECT_TRUE(manifest->complete.empty());
  EXPECT_EQ(manifest->etc, EtcMode::transient);
  EXPECT_EQ(manifest->var, VarMode::bind);
  EXPECT_TRUE(manifest->kernel_min.empty());
}

// Every tests/data/should-fail-manifest-*.toml says in its first line, a comment, what the error must name.
TEST(Manifest, RefusesTheBadOnes) {
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CFS_TEST_DATA)) {
    const std::string file = entry.path().filename().string();
    if (!file.starts_with("should-fail-manifest-")) {
      continue;
    }
    const std::string text = read_bytes(entry.path().string());
    const auto manifest = parse_manifest(text);
    ASSERT_FALSE(manifest) << file;
    EXPECT_EQ(manifest.error().code(), Code::manifest_malformed) << file;
    ASSERT_TRUE(text.starts_with("# ")) << file;
    EXPECT_NE(manifest.error().what().find(text.substr(2, text.find('\n') - 2)), std::string::npos)
        << file << ": " << manifest.error().what();
    ++seen;
  }
  EXPECT_GE(seen, 15);
}

TEST(Manifest, EveryTruncationIsRefusedOrWhole) {
  const std::string text = image_table();
  for (std::size_t size = 0; size < text.size() - 2; ++size) {
    EXPECT_FALSE(parse_manifest(text.substr(0, size))) << size;
  }
}

TEST(Manifest, LimitsSize) {
  std::string text = image_table();
  while (text.size() + 64 <= manifest_max_bytes) {
    text += "# " + std::string(61, 'x') + "\n";
  }
  text += "#" + std::string(manifest_max_bytes - text.size() - 1, 'x');
  ASSERT_EQ(text.size(), manifest_max_bytes);
  EXPECT_TRUE(parse_manifest(text));
  EXPECT_FALSE(parse_manifest(text + "x"));
}

Manifest sample() {
  Manifest manifest;
  manifest.image_id = "demo \"quoted\" \\ back";
  manifest.version = "2026.11.24";
  manifest.security_version = 9;
  manifest.digest = Digest::parse(digest).value();
  return manifest;
}

TEST(Manifest, FormatsWhatItReads) {
  Manifest manifest = sample();
  manifest.kernel_min = "6.12.1";
  manifest.kernel_release = "6.12.9-cloud-amd64";
  manifest.init = {"/usr/lib/systemd/systemd", "/bin/with \"quotes\""};
  manifest.complete = {"/", "/etc", "/usr/lib/with \"quotes\""};
  manifest.etc = EtcMode::overlay;
  manifest.var = VarMode::none;
  manifest.annotations = {{"", "empty key"}, {"a.b", "x = y"}, {"q\"", ""}};
  const auto text = format_manifest(manifest);
  ASSERT_TRUE(text) << text.error().what();
  const auto read = parse_manifest(*text);
  ASSERT_TRUE(read) << read.error().what();
  EXPECT_EQ(*read, manifest);
  EXPECT_EQ(format_manifest(*read).value(), *text);
}

TEST(ManifestInTheManualPage, IsOneWithEveryKey) {
  const std::string page = manual_page("initrd/composefs-root-manifest.5");
  const std::string text = examples(page).at(0);
  const auto manifest = parse_manifest(text);
  ASSERT_TRUE(manifest) << manifest.error().what();
  EXPECT_EQ(format_manifest(*manifest).value(), text);
  auto described = items(page, "Cm");
  for (const auto& [key, value] : manifest->annotations) {
    described.insert(cat("annotations.\"", key, '"'));
  }
  EXPECT_EQ(toml_keys(text), described);
}

TEST(Manifest, DoesNotFormatWhatItCouldNotRead) {
  const auto refused = [](const std::function<void(Manifest&)>& spoil) {
    Manifest manifest = sample();
    spoil(manifest);
    const auto text = format_manifest(manifest);
    return !text && text.error().code() == Code::manifest_malformed;
  };
  EXPECT_TRUE(refused([](Manifest& m) { m.image_id.clear(); }));
  EXPECT_TRUE(refused([](Manifest& m) { m.image_id = "a\nid = \"b\""; }));
  EXPECT_TRUE(refused([](Manifest& m) { m.image_id = std::string("a\0b", 3); }));
  EXPECT_TRUE(refused([](Manifest& m) { m.version = "tab\there"; }));
  EXPECT_TRUE(refused([](Manifest& m) { m.version = "\xc3\xa9"; }));
  EXPECT_TRUE(refused([](Manifest& m) { m.security_version = 1ULL << 63; }));
  EXPECT_TRUE(refused([](Manifest& m) { m.init.clear(); }));
  EXPECT_TRUE(refused([](Manifest& m) { m.init = {"sbin/init"}; }));
  EXPECT_TRUE(refused([](Manifest& m) { m.complete = {"etc"}; }));
  EXPECT_TRUE(refused([](Manifest& m) { m.kernel_min = "new"; }));
  EXPECT_TRUE(refused([](Manifest& m) { m.annotations["\n"] = "x"; }));
  EXPECT_TRUE(refused([](Manifest& m) { m.annotations["x"] = std::string(2000, 'x'); }));
  EXPECT_FALSE(refused([](Manifest&) {}));
}

TEST(Manifest, Names) {
  for (const std::string_view name : {"a", "demo-1.0", "A_b.c-9", "0"}) {
    EXPECT_TRUE(is_manifest_name(name)) << name;
  }
  for (const std::string_view name :
       {"", ".", "..", ".hidden", "-x", "_x", "a/b", "a b", "a\n", "\xc3\xa9", "a:b", "../x"}) {
    EXPECT_FALSE(is_manifest_name(name)) << name;
  }
  EXPECT_TRUE(is_manifest_name(std::string(64, 'a')));
  EXPECT_FALSE(is_manifest_name(std::string(65, 'a')));
  EXPECT_FALSE(is_manifest_name(std::string_view("a\0b", 3)));
}

TEST(Manifest, PathsOfAnImageHaveOneSpelling) {
  for (const std::string_view path : {"/", "/etc", "/usr/lib/systemd", "/...", "/.hidden", "/a b"}) {
    EXPECT_TRUE(is_image_path(path)) << path;
  }
  for (const std::string_view path : {"", "etc", "./etc", "//", "/etc/", "//etc", "/usr//lib", "/.", "/..",
                                      "/usr/./lib", "/usr/../etc", "/usr/lib/.."}) {
    EXPECT_FALSE(is_image_path(path)) << path;
  }
  EXPECT_TRUE(is_image_path("/" + std::string(4094, 'x')));
  EXPECT_FALSE(is_image_path("/" + std::string(4095, 'x')));
}

TEST(Manifest, ModesAreOrderedFromStrictToLoose) {
  EXPECT_LT(EtcMode::none, EtcMode::transient);
  EXPECT_LT(EtcMode::transient, EtcMode::overlay);
  EXPECT_LT(VarMode::none, VarMode::transient);
  EXPECT_LT(VarMode::transient, VarMode::bind);
  for (const auto mode : {EtcMode::none, EtcMode::transient, EtcMode::overlay}) {
    EXPECT_EQ(value_of(etc_words, name(mode)), mode);
  }
  for (const auto mode : {VarMode::none, VarMode::transient, VarMode::bind}) {
    EXPECT_EQ(value_of(var_words, name(mode)), mode);
  }
  EXPECT_EQ(value_of(etc_words, "bind"), std::nullopt);
  EXPECT_EQ(value_of(var_words, "overlay"), std::nullopt);
}

TEST(Manifest, ComparesKernelVersions) {
  EXPECT_TRUE(kernel_at_least("6.12.9-cloud", "6.6"));
  EXPECT_TRUE(kernel_at_least("6.6.0", "6.6"));
  EXPECT_TRUE(kernel_at_least("6.6", "6.6.0"));
  EXPECT_TRUE(kernel_at_least("7.0-rc1", "6.99.99"));
  EXPECT_TRUE(kernel_at_least("6.12+", "6.12"));
  EXPECT_FALSE(kernel_at_least("6.5.9", "6.6"));
  EXPECT_FALSE(kernel_at_least("6.6", "6.6.1"));
  EXPECT_FALSE(kernel_at_least("6.12.8", "6.12.9"));
  EXPECT_FALSE(kernel_at_least("", "6.6"));
  EXPECT_FALSE(kernel_at_least("6", "6.0"));
  EXPECT_FALSE(kernel_at_least("6.", "6.0"));
  EXPECT_FALSE(kernel_at_least("6.6", ""));
  EXPECT_FALSE(kernel_at_least("6.6", "new"));
  EXPECT_FALSE(kernel_at_least("-6.6", "1.0"));
  EXPECT_FALSE(kernel_at_least("99999999999.1", "6.6"));
}

}  // namespace
}  // namespace cfs
