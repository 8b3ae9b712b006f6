// SPDX-License-Identifier: Apache-2.0
// Makes one change at a time in the trusted path, and has the unit tests look for it.
//
// A changed source is compiled alone, and linked with the objects of all others to a shared library that the
// tests are linked with: they are not linked again. A changed header is compiled into the source and the test
// of its name.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "mutation/box.hpp"
#include "mutation/mutations.hpp"

namespace cfs {
namespace {

namespace fs = std::filesystem;

// The rooms of the trusted path, each before those that use it.
constexpr std::array rooms{"base",     "trust", "archive", "store", "device", "kernel",
                           "decision", "mount", "state",   "doors", "boot"};
constexpr std::chrono::seconds test_limit{60};

struct Change {
  std::string file;  // "initrd/trust/policy.cpp"
  Mutation mutation;

  // What the list names it by: the line's number changes too often.
  [[nodiscard]] std::string text() const {
    return file + "\n- " + mutation.before + "\n+ " + mutation.after + '\n';
  }
  [[nodiscard]] std::string name() const {
    return file + ':' + std::to_string(mutation.line) + ' ' + mutation.kind;
  }
};

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

[[noreturn]] void end(const std::string& why) {
  std::cerr << "tests/mutation: " << why << '\n';
  std::exit(2);
}

std::vector<fs::path> files_in(const fs::path& directory, const std::string& ending) {
  std::vector<fs::path> files;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(directory, absent)) {
    if (entry.path().string().ends_with(ending)) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

// FNV-1a: the same everywhere, so that a seed names the same sample, however the tree around it changes.
std::uint64_t hash(const std::string& text) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (const unsigned char byte : text) {
    value = (value ^ byte) * 0x100000001b3;
  }
  return value;
}

// tests/mutation/unnoticed: blocks of FILE, "- LINE", "+ LINE", and a line that says why, with blank lines
// between.
std::map<std::string, std::string> read_list(const fs::path& path) {
  std::map<std::string, std::string> list;
  std::istringstream lines(read(path));
  std::string file;
  std::string before;
  std::string after;
  std::string why;
  while (std::getline(lines, file)) {
    if (file.empty() || file.starts_with('#')) {
      continue;
    }
    if (!std::getline(lines, before) || !std::getline(lines, after) || !std::getline(lines, why) ||
        !before.starts_with("- ") || !after.starts_with("+") || why.find(": ") == std::string::npos) {
      end(path.string() + ": the block that begins with " + file + " is not FILE, - LINE, + LINE, KIND: WHY");
    }
    if (!list.emplace(file + '\n' + before + '\n' + after + '\n', why).second) {
      end(path.string() + " has twice:\n" + file + '\n' + before + '\n' + after);
    }
  }
  return list;
}

class Build {
 public:
  Build(fs::path source, fs::path directory) : source_(std::move(source)), directory_(std::move(directory)) {
    for (const auto& entry : nlohmann::json::parse(read(directory_ / "compile_commands.json"))) {
      const std::string command = entry["command"];
      const auto object = command.find(" -o ") + 4;
      commands_[entry["file"]] = {command, command.substr(object, command.find(' ', object) - object)};
    }
    for (const std::string room : rooms) {
      for (const fs::path& file : files_in(source_ / "initrd" / room, ".cpp")) {
        sources_.push_back(file);
      }
      for (const fs::path& file : files_in(source_ / "tests/unit" / room, "_test.cpp")) {
        tests_.push_back(file);
      }
    }
  }

  [[nodiscard]] const fs::path& source() const { return source_; }
  [[nodiscard]] const fs::path& directory() const { return directory_; }
  [[nodiscard]] const std::vector<fs::path>& tests() const { return tests_; }
  [[nodiscard]] fs::path object(const fs::path& file) const { return directory_ / commands_.at(file).object; }
  [[nodiscard]] bool knows(const fs::path& file) const { return commands_.contains(file); }

  // Builds the objects of all sources, and the library of them.
  void build_library() {
    std::string targets;
    for (const fs::path& file : sources_) {
      targets += ' ' + commands_.at(file).object;
    }
    if (!shell("ninja -C '" + directory_.string() + '\'' + targets + " >'" + log() + "' 2>&1")) {
      end("the build fails:\n" + read(log()));
    }
    fs::create_directories(directory_ / "unchanged");
    if (!link(directory_ / "unchanged", {})) {
      end("the library cannot be linked:\n" + read(log()));
    }
  }

  // The program of a test, built when it is first asked for, when it must succeed, too. Where `object` is
  // given: a program of that in the place of its own.
  fs::path test(const fs::path& file, const fs::path& object = {}, const fs::path& place = {}) {
    const std::lock_guard alone(building_);
    const fs::path program = (place.empty() ? directory_ / "programs" : place) / file.stem();
    if (object.empty() && built_.contains(program)) {
      return program;
    }
    fs::create_directories(program.parent_path());
    const std::string& own = commands_.at(file).object;
    if (object.empty() &&
        !shell("ninja -C '" + directory_.string() + "' " + own + " >'" + log() + "' 2>&1")) {
      end("the build of " + file.string() + " fails:\n" + read(log()));
    }
    const std::string from = object.empty() ? (directory_ / own).string() : object.string();
    if (!shell("g++ -fuse-ld=gold -o '" + program.string() + "' '" + from + "' -L'" +
               (directory_ / "unchanged").string() +
               "' -lcfs -lgtest_main -lgmock -lgtest -lnettle -lhogweed -lgmp >'" + log() + "' 2>&1")) {
      end("the program of " + file.string() + " cannot be linked:\n" + read(log()));
    }
    if (object.empty()) {
      if (!run(program, directory_ / "unchanged")) {
        end(file.stem().string() + " fails without any change: in the box that the tests run in, at least");
      }
      built_.insert(program);
    }
    return program;
  }

  [[nodiscard]] bool run(const fs::path& program, const fs::path& library) const {
    const fs::path place = library / "tmp";
    fs::create_directories(place);
    return run_in_box(program.string(), library.string(), place.string(), test_limit);
  }

  // Compiles `text` in the place of a file, or the file with `headers` before all other directories.
  [[nodiscard]] bool compile(const fs::path& file, const fs::path& text, const fs::path& headers,
                             const fs::path& object) const {
    std::string command = commands_.at(file).text;
    const auto replace = [&](const std::string& from, const std::string& to) {
      const auto at = command.rfind(from);
      command.replace(at, from.size(), to);
    };
    replace(" -o " + commands_.at(file).object, " -o '" + object.string() + '\'');
    replace(" -c " + file.string(), " -c '" + text.string() + "' -w -Wno-error -Werror=return-type");
    if (!headers.empty()) {
      const auto at = command.find(" -I");
      command.insert(at, " -I'" + headers.string() + '\'');
    }
    return shell("cd '" + directory_.string() + "' && " + command + " >/dev/null 2>&1");
  }

  // The library in DIRECTORY, with an object of there in the place of each of those that it names.
  [[nodiscard]] bool link(const fs::path& place, const std::map<fs::path, fs::path>& instead) const {
    std::string objects;
    for (const fs::path& file : sources_) {
      const auto changed = instead.find(file);
      objects += " '" + (changed == instead.end() ? object(file) : changed->second).string() + '\'';
    }
    return shell("g++ -fuse-ld=gold -shared -o '" + (place / "libcfs.so").string() + '\'' + objects +
                 " -lnettle -lhogweed -lgmp >'" + log() + "' 2>&1");
  }

 private:
  struct Command {
    std::string text;
    std::string object;
  };
  [[nodiscard]] std::string log() const { return (directory_ / "log").string(); }
  static bool shell(const std::string& command) { return std::system(command.c_str()) == 0; }

  fs::path source_;
  fs::path directory_;
  std::map<std::string, Command> commands_;
  std::vector<fs::path> sources_;
  std::vector<fs::path> tests_;
  std::mutex building_;
  std::set<fs::path> built_;
};

enum class Outcome { not_compiled, noticed, unnoticed };

class Trial {
 public:
  Trial(Build& build, const Change& change, std::size_t number)
      : build_(build),
        change_(change),
        file_(build.source() / change.file),
        place_(build.directory() / "changed" / std::to_string(number)) {
    fs::create_directories(place_);
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  ~Trial() { fs::remove_all(place_); }

  Outcome outcome() {
    const std::string text = mutated(read(file_), change_.mutation);
    return change_.file.ends_with(".hpp") ? header(text) : source(text);
  }

 private:
  Outcome source(const std::string& text) {
    std::ofstream(place_ / file_.filename()) << text;
    if (!build_.compile(file_, place_ / file_.filename(), {}, place_ / "o") ||
        !build_.link(place_, {{file_, place_ / "o"}})) {
      return Outcome::not_compiled;
    }
    for (const fs::path& test : by_closeness()) {
      if (!build_.run(build_.test(test), place_)) {
        return Outcome::noticed;
      }
    }
    return Outcome::unnoticed;
  }

  Outcome header(const std::string& text) {
    const fs::path own = file_.stem().string() + ".cpp";
    const fs::path copy = place_ / fs::relative(file_, build_.source());
    fs::create_directories(copy.parent_path());
    std::ofstream(copy) << text;
    std::map<fs::path, fs::path> changed;
    const fs::path implementation = build_.source() / "initrd" / room() / own;
    if (build_.knows(implementation)) {
      if (!build_.compile(implementation, implementation, place_ / "include", place_ / "o")) {
        return Outcome::not_compiled;
      }
      changed[implementation] = place_ / "o";
    }
    if (!build_.link(place_, changed)) {
      return Outcome::not_compiled;
    }
    for (const fs::path& test : tests_of_header()) {
      if (!build_.compile(test, test, place_ / "include", place_ / "t")) {
        return Outcome::not_compiled;
      }
      if (!build_.run(build_.test(test, place_ / "t", place_), place_)) {
        return Outcome::noticed;
      }
    }
    return Outcome::unnoticed;
  }

  [[nodiscard]] std::string room() const { return file_.parent_path().filename(); }
  [[nodiscard]] bool is_own(const fs::path& test) const {
    return test.stem().string().starts_with(file_.stem().string() + '_') &&
           test.parent_path().filename() == file_.parent_path().filename();
  }

  // Those of the file's name first, then those of its room, then all others.
  [[nodiscard]] std::vector<fs::path> by_closeness() const {
    auto tests = build_.tests();
    std::ranges::stable_sort(tests, {}, [&](const fs::path& test) {
      return is_own(test) ? 0 : test.parent_path().filename() == file_.parent_path().filename() ? 1 : 2;
    });
    return tests;
  }

  // Those of its name, else those that include it.
  [[nodiscard]] std::vector<fs::path> tests_of_header() const {
    std::vector<fs::path> own;
    std::vector<fs::path> others;
    for (const fs::path& test : build_.tests()) {
      if (is_own(test)) {
        own.push_back(test);
      } else if (read(test).find("\"cfs/" + room() + '/' + file_.filename().string() + '"') !=
                 std::string::npos) {
        others.push_back(test);
      }
    }
    return own.empty() ? others : own;
  }

  Build& build_;
  const Change& change_;
  fs::path file_;
  fs::path place_;
};

std::vector<Change> all_changes(const fs::path& source) {
  std::vector<Change> changes;
  for (const std::string room : rooms) {
    for (const auto& [directory, ending] :
         {std::pair("initrd/", ".cpp"), std::pair("include/cfs/", ".hpp")}) {
      for (const fs::path& file : files_in(source / (directory + room), ending)) {
        for (Mutation& mutation : mutations_of(read(file))) {
          changes.push_back({directory + room + '/' + file.filename().string(), std::move(mutation)});
        }
      }
    }
  }
  return changes;
}

struct Options {
  fs::path source;
  fs::path build;
  std::size_t sample = 0;  // 0: all
  std::string seed = "1";
  std::string pattern;  // of names
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  bool list = false;
  bool check_listed = false;
};

Options parse(int argc, char** argv) {
  Options options;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2) {
    end("usage: cfs-mutate SOURCE BUILD [OPTION…]: see tests/mutation/run --help");
  }
  options.source = words[0];
  options.build = words[1];
  for (std::size_t i = 2; i < words.size(); ++i) {
    const auto value = [&] {
      return ++i < words.size() ? words[i] : (end("an option lacks its value"), words[0]);
    };
    if (words[i] == "--sample") {
      options.sample = std::stoul(value());
    } else if (words[i] == "--seed") {
      options.seed = value();
    } else if (words[i] == "--jobs") {
      options.jobs = static_cast<unsigned>(std::stoul(value()));
    } else if (words[i] == "--list") {
      options.list = true;
    } else if (words[i] == "--listed") {
      options.check_listed = true;
    } else if (!words[i].starts_with('-')) {
      options.pattern = words[i];
    } else {
      end("there is no option " + words[i]);
    }
  }
  return options;
}

// Takes from the changes those that are to be tried.
void select(std::vector<Change>& changes, const Options& options,
            const std::map<std::string, std::string>& known) {
  std::erase_if(changes, [&](const Change& change) {
    return known.contains(change.text()) != options.check_listed ||
           change.name().find(options.pattern) == std::string::npos;
  });
  if (options.sample != 0) {
    std::ranges::stable_sort(changes, {},
                             [&](const Change& change) { return hash(options.seed + change.text()); });
  }
}

// 0: all were noticed.
int try_all(const std::vector<Change>& changes, const Options& options, Build& build) {
  std::mutex printing;
  std::atomic<std::size_t> next = 0;
  std::size_t noticed = 0;
  std::size_t unnoticed = 0;
  const auto work = [&] {
    for (std::size_t number = next++; number < changes.size(); number = next++) {
      {
        const std::lock_guard alone(printing);
        if (options.sample != 0 && noticed + unnoticed >= options.sample) {
          return;  // what does not compile does not count
        }
      }
      const Change& change = changes[number];
      const Outcome outcome = Trial(build, change, number).outcome();
      const std::lock_guard alone(printing);
      if (outcome == Outcome::noticed) {
        ++noticed;
        if (options.check_listed) {
          std::cout << "# " << change.name() << " is listed, and was noticed\n" << change.text() << std::endl;
        }
      } else if (outcome == Outcome::unnoticed) {
        ++unnoticed;
        if (!options.check_listed) {
          std::cout << "# " << change.name() << " was not noticed\n" << change.text() << std::endl;
        }
      }
    }
  };
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < options.jobs; ++i) {
    workers.emplace_back(work);
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
  std::cout << "tests/mutation: of " << noticed + unnoticed << " changes " << noticed << " were noticed, "
            << unnoticed << " were not\n";
  return (options.check_listed ? noticed : unnoticed) == 0 && noticed + unnoticed != 0 ? 0 : 1;
}

// What the list names and the source does not have any more.
bool is_current(const std::vector<Change>& changes, const std::map<std::string, std::string>& known) {
  std::set<std::string> texts;
  for (const Change& change : changes) {
    texts.insert(change.text());
  }
  bool current = true;
  for (const auto& [text, why] : known) {
    if (!texts.contains(text)) {
      std::cout << "# tests/mutation/unnoticed names a change that cannot be made any more\n"
                << text << std::endl;
      current = false;
    }
  }
  return current;
}

int run(const Options& options) {
  const auto known = read_list(options.source / "tests/mutation/unnoticed");
  auto changes = all_changes(options.source);
  const bool current = is_current(changes, known);
  select(changes, options, known);
  if (options.list) {
    for (const Change& change : changes) {
      std::cout << "# " << change.name() << '\n' << change.text() << '\n';
    }
    return 0;
  }
  const fs::path temporary = options.build / "tmp";
  fs::create_directories(temporary);
  (void)::setenv("TMPDIR", temporary.c_str(), 1);
  std::vector<std::string> writable{options.build};
  if (const char* const cache = ::getenv("CCACHE_DIR"); cache != nullptr && fs::exists(cache)) {
    writable.emplace_back(cache);
  }
  if (!enter_box(writable)) {
    std::cerr << "tests/mutation: this kernel gives no namespaces to this user, and a changed program can do "
                 "harm\n";
    return 77;
  }
  Build build(options.source, options.build);
  build.build_library();
  const int status = try_all(changes, options, build);
  return current ? status : 1;
}

}  // namespace
}  // namespace cfs

int main(int argc, char** argv) {
  return cfs::run(cfs::parse(argc, argv));
}
