// SPDX-License-Identifier: Apache-2.0
#include "cfs/decision/cmdline_check.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

Policy policy(CmdlineTrust trust = CmdlineTrust::untrusted_cmdline) {
  Policy policy;
  policy.image_id = "demo";
  policy.store = {DeviceSpec::By::partlabel, "composefs-store"};
  policy.cmdline.trust = trust;
  return policy;
}

std::vector<WordPattern> patterns(const std::vector<std::string>& texts) {
  std::vector<WordPattern> patterns;
  patterns.reserve(texts.size());
  for (const std::string& text : texts) {
    patterns.push_back(WordPattern::parse(text).value());
  }
  return patterns;
}

Policy opening(const std::vector<std::string>& allow, const std::vector<std::string>& hide = {}) {
  Policy opened = policy();
  opened.cmdline.allow = patterns(allow);
  opened.cmdline.hide = patterns(hide);
  return opened;
}

// The verdicts of the words, joined by blanks.
std::string verdicts(std::string_view text, const Policy& by) {
  std::string names;
  for (const JudgedWord& word : judge_cmdline(text, by)) {
    EXPECT_NE(word.reason, "") << word.word;
    names += (names.empty() ? "" : " ") + std::string(name(word.verdict));
  }
  return names;
}

void expect_refused(std::string_view text, std::string_view word, const Policy& by) {
  const auto checked = check_cmdline(text, by);
  ASSERT_FALSE(checked) << text;
  EXPECT_EQ(checked.error().code(), Code::parameter_refused) << text;
  EXPECT_TRUE(checked.error().what().starts_with(word)) << text << ": " << checked.error().what();
}

TEST(CmdlineCheck, PassesOnlyWordsOfTheList) {
  std::ifstream file(CFS_TEST_DATA "/cmdline-words");
  int seen = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) {
      continue;
    }
    const auto blank = line.find(' ');
    const std::string verdict = line.substr(0, blank);
    const std::string word = line.substr(blank + 1);
    EXPECT_EQ(verdicts(word, policy()), verdict) << word;
    EXPECT_EQ(check_cmdline("quiet " + word + " ro\n", policy()).has_value(), verdict == "allowed") << word;
    ++seen;
  }
  EXPECT_GE(seen, 500);
}

TEST(CmdlineCheck, NamesTheWordThatIsRefused) {
  expect_refused("quiet mitigations=off ro", "mitigations=off: ", policy());
  expect_refused("quiet -- systemd.unit=x", "--: ", policy());
  expect_refused("console=uart8250,mmio,0x1", "console=uart8250,mmio,0x1: it must be console=TTY[,OPTIONS]",
                 policy());
  expect_refused(std::string("quiet \x01"), "\\x01: ", policy());
}

// What the kernel or systemd takes for a blank and the other does not, and all that is not ASCII.
TEST(CmdlineCheck, RefusesBytesThatParsersTakeDifferently) {
  EXPECT_TRUE(check_cmdline("quiet\tro\nrw \n", policy()));
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    const std::string word = std::string("opened") + c + "x";
    const bool plain = is_plain_word(word);
    EXPECT_EQ(
        check_cmdline(word, opening({"opened", "x", "opened.*", word.substr(0, plain ? 8 : 6)})).has_value(),
        plain || blank)
        << byte;
  }
}

TEST(CmdlineCheck, ThePolicyOpensWordsByName) {
  EXPECT_EQ(verdicts("quiet net.ifnames=0 reboot=k", opening({"net.*", "reboot=k"})),
            "allowed opened opened");
  expect_refused("reboot=w", "reboot=w", opening({"reboot=k"}));
  expect_refused("net", "net", opening({"net.*"}));
  // Not with characters that a shell acts on, whatever the policy says; and a word of the list in another
  // form.
  expect_refused("net.x=$(y)", "net.x=$(y)", opening({"net.*"}, {"net.*"}));
  EXPECT_EQ(verdicts("console=uart,io,0x3f8", opening({"console"})), "opened");
}

TEST(CmdlineCheck, ThePolicyHidesWordsByName) {
  EXPECT_EQ(verdicts("quiet androidboot.x=1 quiet", opening({}, {"androidboot.*", "quiet"})),
            "hidden hidden hidden");
  EXPECT_EQ(verdicts("a b", opening({"a", "b"}, {"a"})), "hidden opened");
  Policy with_signature = policy(CmdlineTrust::signed_cmdline);
  with_signature.cmdline.hide = patterns({"a"});
  EXPECT_EQ(verdicts("a b", with_signature), "hidden allowed");
}

TEST(CmdlineCheck, NoPolicyOpensAnotherRootOrAnUnknownWordOfOurs) {
  for (const std::string_view text :
       {"roothash=00", "roothash", "rd.roothash=00", "usrhash=00", "systemd.volatile", "systemd.volatile=yes",
        "systemd.volatile=overlay", "rd.systemd.volatile=state", "composefs.slots=next", "composefs=abc",
        "composefs.store=", "composefs.slot=x", "composefs.image"}) {
    const std::string name(text.substr(0, text.find('=')));
    expect_refused(text, name, policy(CmdlineTrust::signed_cmdline));
    expect_refused(text, name, opening({name}, {}));
    expect_refused(text, name, opening({}, {name}));
  }
}

// To the kernel "-" and "_" are the same in a name, and to systemd they are not: a word is refused in
// whichever way it is written.
TEST(CmdlineCheck, DashesAndUnderscoresMakeNoOtherWord) {
  EXPECT_EQ(
      verdicts("systemd.log-level=debug systemd.gpt-auto=0 ignore-loglevel BOOT-IMAGE=/vmlinuz", policy()),
      "allowed allowed allowed allowed");
  for (const std::string_view text : {"systemd.log-level=warning", "systemd.import-credentials=yes",
                                      "rd.systemd.gpt-auto=1", "ignore-loglevel=1"}) {
    expect_refused(text, text.substr(0, text.find('=')), policy());
  }
  EXPECT_EQ(verdicts("a_b-c=1 d-e.f-g", opening({"a-b_c"}, {"d_e.*"})), "opened hidden");
}

TEST(CmdlineCheck, ASignedCommandLineMayCarryTheRest) {
  EXPECT_EQ(verdicts("systemd.unit=rescue.target \"a=b c\" x -- y systemd.volatile=no root=gpt-auto",
                     policy(CmdlineTrust::signed_cmdline)),
            "allowed allowed allowed allowed allowed allowed allowed");
}

// Each tests/data/cmdlines/*.toml is a policy that begins with the command line for which it is, as a
// comment.
TEST(CmdlineCheck, RealCommandLinesPassByTheirPolicyAndByNoLess) {
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CFS_TEST_DATA "/cmdlines")) {
    SCOPED_TRACE(entry.path().filename().string());
    const std::string text = read_bytes(entry.path().string());
    ASSERT_TRUE(text.starts_with("# "));
    const std::string cmdline = text.substr(2, text.find('\n') - 2);
    const auto parsed = parse_policy(text);
    ASSERT_TRUE(parsed) << parsed.error().what();
    const auto checked = check_cmdline(cmdline, *parsed);
    EXPECT_TRUE(checked) << checked.error().what();
    for (const auto list : {&Policy::KernelCmdline::allow, &Policy::KernelCmdline::hide}) {
      for (std::size_t i = 0; i < (parsed->cmdline.*list).size(); ++i) {
        Policy less = *parsed;
        const std::string pattern = (less.cmdline.*list)[i].text();
        (less.cmdline.*list).erase((less.cmdline.*list).begin() + static_cast<std::ptrdiff_t>(i));
        // That of rauc is for either slot.
        EXPECT_TRUE(!check_cmdline(cmdline, less) || pattern == "rauc.slot=B") << pattern;
      }
    }
    ++seen;
  }
  EXPECT_EQ(seen, 12);
}

// The manual page's table is this one.
TEST(CmdlineCheck, IsWhatTheManualPageSays) {
  std::string table = ".Bl -column \"systemd.import_credentials=0|no|false|off\" \"purpose\"\n";
  for (const AllowedWord& word : allowed_words()) {
    table += ".It Cm " + std::string(word.name) + std::string(form_text(word.form)) + " Ta " +
             std::string(word.purpose) + '\n';
  }
  table += ".El\n";
  EXPECT_NE(read_bytes(CFS_TEST_DATA "/../../initrd/composefs-root.8").find(table), std::string::npos)
      << "composefs-root.8 must have\n"
      << table;
}

}  // namespace
}  // namespace cfs
