// SPDX-License-Identifier: Apache-2.0
// The units that the generator writes, case by case, and the generator as it ships.
#include "cfs/generator/generator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path cases = CFS_SOURCE "/tests/golden/generator";
constexpr auto generator_program = CFS_PROGRAMS "/generator/composefs-root-generator";

// Every file below a directory: its path, and its contents or "-> TARGET".
std::map<std::string, std::string> files_below(const fs::path& directory) {
  std::map<std::string, std::string> files;
  if (fs::exists(directory)) {
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (entry.is_symlink()) {
        files[entry.path().lexically_relative(directory)] = "-> " + fs::read_symlink(entry.path()).string();
      } else if (entry.is_regular_file()) {
        files[entry.path().lexically_relative(directory)] = read_bytes(entry.path());
      }
    }
  }
  return files;
}

// An initrd with the input of a case, and the directories that systemd gives to generators.
class Initrd {
 public:
  explicit Initrd(const std::string& name) {
    const fs::path policy = cases / name / "policy.toml";
    if (fs::exists(policy)) {
      workshop_.write("root/etc/composefs-root/policy.toml", read_bytes(policy));
    }
    workshop_.write("root/etc/initrd-release", "");
    set_cmdline(read_bytes(cases / name / "cmdline"));
    for (const char* directory : {"normal", "early", "late"}) {
      fs::create_directories(workshop_ / "units" / directory);
    }
  }

  void set_cmdline(std::string_view text) const { workshop_.write("root/proc/cmdline", text); }
  [[nodiscard]] fs::path root() const { return workshop_ / "root"; }
  [[nodiscard]] fs::path units(std::string_view name = {}) const { return workshop_ / "units" / name; }

  [[nodiscard]] Result<> generate() const { return cfs::generate(root(), units("early")); }

  // Runs a command where /etc and /proc/cmdline are those of the initrd, and /dev/kmsg is the file kmsg().
  [[nodiscard]] Outcome run_inside(const std::vector<std::string>& command) const {
    workshop_.write("kmsg", "");
    std::vector<std::string> words{"unshare",
                                   "--mount",
                                   "sh",
                                   "-ec",
                                   R"(mount --bind "$1/root/etc" /etc
                                      mount --bind "$1/root/proc/cmdline" /proc/cmdline
                                      mount --bind "$1/kmsg" /dev/kmsg
                                      shift
                                      exec env "$@")",
                                   "sh",
                                   workshop_.path()};
    words.insert(words.end(), command.begin(), command.end());
    return run(words);
  }
  [[nodiscard]] Outcome run_generator(std::vector<std::string> environment = {}) const {
    environment.insert(environment.end(),
                       {generator_program, units("normal"), units("early"), units("late")});
    return run_inside(environment);
  }
  [[nodiscard]] std::string kmsg() const { return read_bytes(workshop_ / "kmsg"); }

 private:
  Workshop workshop_;
};

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(cases)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

class GeneratorCase : public ::testing::TestWithParam<std::string> {};

TEST_P(GeneratorCase, WritesWhatIsExpected) {
  const Initrd initrd(GetParam());
  const auto generated = initrd.generate();
  std::string line = generated ? "" : generated.error().line() + '\n';
  if (const auto root = line.find(initrd.root()); root != std::string::npos) {
    line.erase(root, initrd.root().string().size());
  }
  const fs::path error = cases / GetParam() / "error";
  EXPECT_EQ(line, fs::exists(error) ? read_bytes(error) : "");
  EXPECT_EQ(files_below(initrd.units()), files_below(cases / GetParam() / "expected"));
}

INSTANTIATE_TEST_SUITE_P(Golden, GeneratorCase, ::testing::ValuesIn(case_names()), [](const auto& instance) {
  std::string name = instance.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(Generator, ReplacesWhatIsThere) {
  const Initrd initrd("no-root");
  write(initrd.units("early") / "sysroot.mount", "[Mount]\nWhat=/dev/vdb\n");
  fs::create_symlink("/dev/null", initrd.units("early") / "composefs-root.mount");
  ASSERT_TRUE(initrd.generate());
  EXPECT_EQ(files_below(initrd.units()), files_below(cases / "no-root" / "expected"));
}

TEST(Generator, SaysWhenItCannotWrite) {
  const Initrd initrd("no-root");
  fs::remove(initrd.units("early"));
  const auto generated = initrd.generate();
  ASSERT_FALSE(generated);
  EXPECT_EQ(generated.error().code(), Code::not_found);
  EXPECT_THAT(generated.error().what(), HasSubstr("/early/"));
}

TEST(GeneratorProgram, WritesTheSameBesideOtherDirectories) {
  const Initrd initrd("no-root");
  const Outcome outcome = initrd.run_generator();
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output + outcome.errors + initrd.kmsg(), "");
  EXPECT_EQ(files_below(initrd.units()), files_below(cases / "no-root" / "expected"));
}

TEST(GeneratorProgram, TakesOneDirectory) {
  const Initrd initrd("no-root");
  EXPECT_EQ(initrd.run_inside({generator_program, initrd.units("normal")}).status, 0);
  EXPECT_EQ(files_below(initrd.units("normal")), files_below(cases / "no-root" / "expected/early"));
  EXPECT_EQ(initrd.run_inside({generator_program}).status, 2);
  EXPECT_EQ(initrd.run_inside({generator_program, "a", "b"}).status, 2);
}

TEST(GeneratorProgram, WritesNothingOnAHost) {
  const Initrd initrd("no-policy");
  fs::remove(initrd.root() / "etc/initrd-release");
  for (const char* told : {"SYSTEMD_IN_INITRD=0", "UNRELATED=1"}) {
    const Outcome outcome = initrd.run_generator({told});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.errors, "");
    EXPECT_TRUE(files_below(initrd.units()).empty());
  }
  EXPECT_EQ(initrd.run_generator({"SYSTEMD_IN_INITRD=1"}).status, 1);
  EXPECT_EQ(files_below(initrd.units()), files_below(cases / "no-policy" / "expected"));
}

TEST(GeneratorProgram, ComplainsWhereItIsRead) {
  const Initrd initrd("root-nfs");
  const std::string line = "composefs-root-generator: " + read_bytes(cases / "root-nfs" / "error");
  const Outcome by_hand = initrd.run_generator();
  EXPECT_EQ(by_hand.status, 1);
  EXPECT_EQ(by_hand.errors, line);
  EXPECT_EQ(initrd.kmsg(), "");

  const Outcome by_systemd = initrd.run_generator({"SYSTEMD_SCOPE=system"});
  EXPECT_EQ(by_systemd.status, 1);
  EXPECT_EQ(by_systemd.errors, "");
  EXPECT_EQ(initrd.kmsg(), "<3>" + line);

  for (const char* redirection : {"2>/dev/null", "2>&-"}) {
    const Outcome unseen =
        initrd.run_inside({"sh", "-c", std::string("exec \"$@\" ") + redirection, "sh", generator_program,
                           initrd.units("normal"), initrd.units("early"), initrd.units("late")});
    EXPECT_EQ(unseen.status, 1);
    EXPECT_EQ(initrd.kmsg(), "<3>" + line) << redirection;
  }
}

// User instructions, as callgrind counts them: the same on every run.
long instructions(const Initrd& initrd, std::vector<std::string> command) {
  command.insert(command.begin(),
                 {"SYSTEMD_IN_INITRD=1", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"});
  command.insert(command.end(), {initrd.units("normal"), initrd.units("early"), initrd.units("late")});
  const Outcome outcome = initrd.run_inside(command);
  const auto position = outcome.errors.find("Collected : ");
  if (outcome.status != 0 || position == std::string::npos) {
    throw std::runtime_error("valgrind: " + outcome.errors);
  }
  return std::stol(outcome.errors.substr(position + 12));
}

TEST(GeneratorProgram, TakesFewInstructions) {
  constexpr long most = 500'000;
  const Initrd initrd("no-root");
  const long ours = instructions(initrd, {generator_program});
  std::printf("composefs-root-generator: %ld instructions\n", ours);
  EXPECT_LT(ours, most);

  // systemd's generators of Debian 13, with the libraries of its root directory.
  const fs::path debian = must({CFS_SOURCE "/qemu/debian-root", "trixie"});
  const fs::path libraries = debian / "usr/lib" / must({"gcc", "-print-multiarch"});
  fs::path loader;
  for (const auto& entry : fs::directory_iterator(libraries)) {
    if (entry.path().filename().string().starts_with("ld-linux")) {
      loader = entry.path();
    }
  }
  for (const char* name : {"systemd-fstab-generator", "systemd-gpt-auto-generator"}) {
    const long theirs = instructions(
        initrd, {loader, "--library-path", libraries.string() + ":" + (libraries / "systemd").string(),
                 debian / "usr/lib/systemd/system-generators" / name});
    std::printf("%s: %ld instructions, %.1f times as many\n", name, theirs,
                static_cast<double>(theirs) / static_cast<double>(ours));
    EXPECT_LT(ours, theirs);
  }
}

}  // namespace
}  // namespace cfs::test
