// SPDX-License-Identifier: Apache-2.0
#include "mutation/mutations.hpp"

#include <algorithm>
#include <array>
#include <regex>
#include <utility>

namespace cfs {

namespace {

constexpr char hidden = '\x01';

std::string trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string() : std::string(text.substr(begin));
}

// The line with all that lies in literals and comments hidden, each byte where it was.
std::string code_of(std::string_view line) {
  std::string code(line);
  char quote = 0;
  for (std::size_t at = 0; at < code.size(); ++at) {
    if (quote == 0 && code.compare(at, 2, "//") == 0) {
      return code.substr(0, at);
    }
    if (quote == 0) {
      const bool separator =
          code[at] == '\'' && at > 0 && std::isdigit(static_cast<unsigned char>(code[at - 1])) != 0;
      quote = (code[at] == '"' || code[at] == '\'') && !separator ? code[at] : 0;
    } else if (code[at] == '\\' && at + 1 < code.size()) {
      code[at++] = hidden;
      code[at] = hidden;
    } else if (code[at] == quote) {
      quote = 0;
    } else {
      code[at] = hidden;
    }
  }
  return code;
}

class Line {
 public:
  // `statement`: the code of the statement that the line belongs to, up to its end. `opens_block`: whether
  // the line before is the head of an `if`.
  Line(std::size_t number, std::string text, std::string statement, bool begins_statement, bool in_if,
       std::vector<Mutation>& found)
      : number_(number),
        text_(std::move(text)),
        code_(code_of(text_)),
        statement_(std::move(statement)),
        begins_statement_(begins_statement),
        in_if_(in_if),
        found_(found) {}

  void mutate() {
    static const std::regex no_code(
        R"(^\s*($|#|static_assert|using |namespace |template |extern |friend |public:|private:))");
    if (std::regex_search(code_, no_code)) {
      return;
    }
    negate();
    swap_operators();
    drop_flags();
    change_constants();
    change_strings();
    compare_by_prefix();
    ignore_errors();
    remove_statement();
  }

 private:
  void add(const char* kind, std::size_t at, std::size_t length, std::string_view instead) {
    std::string after = text_;
    after.replace(at, length, instead);
    found_.push_back({number_, kind, trimmed(text_), trimmed(after)});
  }
  void replace_all(const char* kind, const std::regex& what, std::size_t group, std::string_view instead) {
    for (std::sregex_iterator match(code_.begin(), code_.end(), what), end; match != end; ++match) {
      add(kind, static_cast<std::size_t>(match->position(group)),
          static_cast<std::size_t>(match->length(group)), instead);
    }
  }

  void negate() {
    static const std::regex head(R"(\bif \((.*)\) \{$)");
    std::smatch match;
    if (!std::regex_search(code_, match, head)) {
      return;
    }
    const std::string condition = match[1];
    const auto last = condition.rfind("; ");
    const std::size_t begin = last == std::string::npos ? 0 : last + 2;
    static const std::regex declaration(R"(^(const )?(auto|[\w:]+)[*&]?( const)? \w+ = )");
    const std::string decisive = condition.substr(begin);
    if (!std::regex_search(decisive, declaration)) {
      const auto at = static_cast<std::size_t>(match.position(1)) + begin;
      add("negate", at, decisive.size(), "!(" + text_.substr(at, decisive.size()) + ")");
    }
  }

  void swap_operators() {
    constexpr auto pairs = std::to_array<std::pair<const char*, const char*>>(
        {{"&&", "||"}, {"==", "!="}, {"<", "<="}, {">", ">="}});
    for (const auto& [one, other] : pairs) {
      for (const auto& [from, to] : {std::pair(one, other), std::pair(other, one)}) {
        const std::string wanted(from);
        for (std::size_t at = code_.find(wanted); at != std::string::npos; at = code_.find(wanted, at + 1)) {
          const bool alone = at > 0 && code_[at - 1] == ' ' &&
                             (at + wanted.size() == code_.size() || code_[at + wanted.size()] == ' ');
          if (alone) {
            add("operator", at, wanted.size(), to);
          }
        }
      }
    }
  }

  // But O_RDONLY, which is 0, and what only an execve(2) that never comes would tell.
  void drop_flags() {
    static const std::regex flag(R"( \| ([A-Z][A-Z0-9_]{2,})\b|\b([A-Z][A-Z0-9_]{2,}) \| )");
    static const std::regex idle(R"(O_RDONLY|\w*CLOEXEC)");
    for (std::size_t from = 0; from < code_.size();) {
      std::smatch match;
      const std::string rest = code_.substr(from);
      if (!std::regex_search(rest, match, flag)) {
        return;
      }
      const std::size_t at = from + static_cast<std::size_t>(match.position());
      const std::string name = match[1].matched ? match[1] : match[2];
      if (!std::regex_match(name, idle)) {
        add("flag", at, static_cast<std::size_t>(match.length()), "");
      }
      // The blank and the bar before the next flag belong to that.
      from = at + static_cast<std::size_t>(match.length()) - (match[1].matched ? 0 : 3);
    }
  }

  void change_constants() {
    static const std::regex truth(R"(\btrue\b)");
    static const std::regex falsity(R"(\bfalse\b)");
    static const std::regex read_only(R"(\bread_only\b)");
    static const std::regex read_write(R"(\bread_write\b)");
    replace_all("constant", truth, 0, "false");
    replace_all("constant", falsity, 0, "true");
    replace_all("constant", read_only, 0, "read_write");
    replace_all("constant", read_write, 0, "read_only");
    static const std::regex mode(R"(\b0[0-7]{3,4}\b)");
    for (std::sregex_iterator match(code_.begin(), code_.end(), mode), end; match != end; ++match) {
      add("constant", static_cast<std::size_t>(match->position()), static_cast<std::size_t>(match->length()),
          match->str() == "0777" ? "0700" : "0777");
    }
    static const std::regex named(R"(constexpr .*=|\breturn \d|[a-z_] = \d+;|value_or\(\d)");
    if (std::regex_search(code_, named)) {
      static const std::regex number(R"((?:^|[^\w.'])(\d+)(?=[^\w.'<]|U|$))");
      for (std::sregex_iterator match(code_.begin(), code_.end(), number), end; match != end; ++match) {
        add("constant", static_cast<std::size_t>(match->position(1)),
            static_cast<std::size_t>(match->length(1)), std::to_string(std::stoull(match->str(1)) + 1));
      }
    }
  }

  // Words and names that are data; not what is said to people.
  void change_strings() {
    static const std::regex said(R"(\bfail|\bcat\(|_IN\(|\basm\b|\bError\(|log\()");
    if (std::regex_search(statement_, said)) {
      return;
    }
    for (std::size_t begin = code_.find('"'); begin != std::string::npos;
         begin = code_.find('"', begin + 1)) {
      const auto end = code_.find('"', begin + 1);
      if (end == std::string::npos) {
        return;
      }
      const std::string literal = text_.substr(begin + 1, end - begin - 1);
      if (!literal.empty() && literal.find_first_of(" \\") == std::string::npos) {
        add("string", end, 0, "~");
      }
      begin = end;
    }
  }

  void compare_by_prefix() {
    static const std::regex equality(
        R"(([\w.>:*\[\]-]*[A-Za-z_\])](?:\(\))?) == (\*?[A-Za-z_][\w.>:-]*(?:\(\))?))");
    for (std::sregex_iterator match(code_.begin(), code_.end(), equality), end; match != end; ++match) {
      const std::string left = match->str(1);
      const std::string right = match->str(2);
      static const std::regex no_text(R"(::\w|nullptr|errno|npos|end\(\)|size\(\)|begin\(\)|[A-Z]{3})");
      if (!std::regex_search(right, no_text) && !std::regex_search(left, no_text)) {
        const std::string subject = left.starts_with('*') ? "(" + left + ")" : left;
        add("prefix", static_cast<std::size_t>(match->position()), static_cast<std::size_t>(match->length()),
            subject + ".starts_with(" + right + ")");
      }
    }
  }

  void ignore_errors() {
    static const std::regex attempt(R"(^ *(CFS_TRY(_IN)?)\()");
    static const std::regex refusal(R"(^ *(return) (fail\w*|tl::unexpected|refuse\w*|still_open)\()");
    replace_all("ignore", attempt, 1, "(void)");
    replace_all("ignore", refusal, 1, "(void)");
  }

  void remove_statement() {
    static const std::regex call(R"(^ *(\(void\))?(::)?[A-Za-z_][\w:.>\[\]*-]*\(.*\);$)");
    static const std::regex change(R"(^ *(\+\+|--)?[*]?[A-Za-z_][\w:.>\[\]()*-]*( [|&+-]?= .*|\+\+|--)?;$)");
    static const std::regex exit(R"(^ *(return( .*)?|break|continue);$)");
    static const std::regex no_statement(R"(^ *(return|break|continue|delete|throw|case|else|default)\b)");
    if (!begins_statement_) {
      return;
    }
    if (std::regex_search(code_, no_statement)) {
      if (in_if_ && std::regex_search(code_, exit)) {
        add("remove", 0, text_.size(), "");
      }
      return;
    }
    if (std::regex_search(code_, call) || std::regex_search(code_, change)) {
      add("remove", 0, text_.size(), "");
    }
  }

  std::size_t number_;
  std::string text_;
  std::string code_;
  std::string statement_;
  bool begins_statement_;
  bool in_if_;
  std::vector<Mutation>& found_;
};

std::vector<std::string> lines_of(std::string_view source) {
  std::vector<std::string> lines;
  while (!source.empty()) {
    const auto end = std::min(source.find('\n'), source.size());
    lines.emplace_back(source.substr(0, end));
    source.remove_prefix(std::min(end + 1, source.size()));
  }
  return lines;
}

bool ends_statement(const std::string& code) {
  const auto last = code.find_last_not_of(' ');
  return last == std::string::npos || std::string_view(";{}:").find(code[last]) != std::string_view::npos;
}

}  // namespace

std::vector<Mutation> mutations_of(std::string_view source) {
  const auto lines = lines_of(source);
  std::vector<Mutation> found;
  bool begins = true;
  bool in_if = false;
  std::string statement;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string code = code_of(lines[i]);
    if (begins) {
      statement.clear();
      for (std::size_t next = i; next < lines.size(); ++next) {
        statement += code_of(lines[next]);
        if (ends_statement(statement)) {
          break;
        }
      }
    }
    Line(i + 1, lines[i], statement, begins, in_if, found).mutate();
    if (trimmed(code).empty()) {
      continue;  // a comment
    }
    begins = ends_statement(code);
    in_if = code.ends_with('{') && (statement.find("if (") != std::string::npos);
  }
  return found;
}

std::string mutated(std::string_view source, const Mutation& mutation) {
  auto lines = lines_of(source);
  lines.at(mutation.line - 1) = mutation.after;
  std::string text;
  for (const std::string& line : lines) {
    text += line + '\n';
  }
  return text;
}

}  // namespace cfs
