#include <limits>

#include "grapevine/formats/csv.hpp"
#include "grapevine/formats/libsvm.hpp"
#include "support.hpp"

using namespace grapevine::formats;

namespace {

std::variant<Sheet, Fault> csv(const std::string& text, const CsvRules& rules = {}) { return decode_csv(bytes_of(text), rules); }
Sheet sheet(const std::string& text, const CsvRules& rules = {}) {
    auto read = csv(text, rules);
    INFO(complaint(read));
    REQUIRE(std::holds_alternative<Sheet>(read));
    return std::get<Sheet>(std::move(read));
}
std::string wrong(const std::string& text, const CsvRules& rules = {}) { return complaint(csv(text, rules)); }
std::string wrong_libsvm(const std::string& text) { return complaint(decode_libsvm(bytes_of(text))); }

CsvRules labelled(const std::string& name) {
    CsvRules rules;
    rules.label = CsvRules::Label::name;
    rules.name = name;
    return rules;
}

using Words = std::vector<std::string>;
using Numbers = std::vector<float>;
using Indices = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("a table of numbers with a word at the end of each line") {
    const Sheet s = sheet("1,2.5,cat\n-3,4e2,dog\n+0.5,.5,cat\n");
    CHECK(s.rows == 3);
    CHECK(s.columns == 2);
    CHECK(s.names.empty());
    CHECK(s.values == Numbers{1, 2.5f, -3, 400, 0.5f, 0.5f});
    CHECK(s.labels.words() == Words{"cat", "dog"});
    CHECK(s.labels.of_row() == Indices{0, 1, 0});
}

TEST_CASE("lines may end as on Windows, the last not at all, and empty ones are passed over") {
    const std::string plain = "1,a\n2,b\n";
    for (const std::string text : {"1,a\r\n2,b\r\n", "1,a\n2,b", "1,a\r\n2,b\r", "\n1,a\n\n\n2,b\n\n", "\xef\xbb\xbf" "1,a\n2,b\n", " 1 , a\n2\t,b \n"}) {
        CAPTURE(text);
        CHECK(sheet(text).values == sheet(plain).values);
        CHECK(sheet(text).labels.words() == sheet(plain).labels.words());
    }
}

TEST_CASE("a header is seen by what is no number, and may be said") {
    const std::string text = "height,width,class\n1,2,0\n3,4,1\n";
    CHECK(sheet(text).names == Words{"height", "width"});
    CHECK(sheet(text).rows == 2);
    CHECK(sheet("1,2,yes\n3,4,no\n").rows == 2);  // a word in the label's column is no header
    CsvRules rules;
    rules.header = true;
    CHECK(sheet("1,2,0\n3,4,1\n", rules).names == Words{"1", "2"});
    rules.header = false;
    CHECK(wrong(text, rules) == "1:1: 'height' is no number");
}

TEST_CASE("the label's column by name, by number, or none") {
    const std::string text = "kind,x,y\nb,1,2\na,3,4\n";
    const Sheet s = sheet(text, labelled("kind"));
    CHECK(s.names == Words{"x", "y"});
    CHECK(s.values == Numbers{1, 2, 3, 4});
    CHECK(s.labels.words() == Words{"b", "a"});
    CsvRules rules;
    rules.label = CsvRules::Label::number;
    CHECK(sheet(text, rules).values == s.values);
    rules.number = 3;
    CHECK(has(wrong(text, rules), "no column 4"));
    CHECK(has(wrong(text, labelled("kid")), "no column is called 'kid'"));
    rules.label = CsvRules::Label::none;
    const Sheet none = sheet("1,2\n3,4\n", rules);
    CHECK(none.columns == 2);
    CHECK(none.labels.rows() == 0);
}

TEST_CASE("fields in quotes hold separators, quotes and line ends") {
    const Sheet s = sheet("\"1\",\"2\",\"a, \"\"b\"\"\"\n3,4,\"c\"\n");
    CHECK(s.values == Numbers{1, 2, 3, 4});
    CHECK(s.labels.words() == Words{"a, \"b\"", "c"});
    CHECK(sheet("\"x\ny\",class\n1,a\n", labelled("class")).names == Words{"x\ny"});
    CHECK(wrong("\"x\ny\",class\n1,a\nz,b\n", labelled("class")) == "4:1: 'z' is no number");
    CHECK(wrong("1,\"a\n2,b\n") == "1:3: the quote that is opened here is not closed");
    CHECK(wrong("1,\"a\"b\n") == "1:6: there is more after the closing quote");
}

TEST_CASE("semicolons and tabs are found, or said") {
    CHECK(sheet("1;2;a\n3;4;b\n").columns == 2);
    CHECK(sheet("1\t2\ta\n3\t4\tb\n").columns == 2);
    const auto read = csv("x;y;c\n1,5;2;a\n");
    REQUIRE(std::holds_alternative<Fault>(read));
    CHECK(complaint(read) == "2:1: '1,5' is no number");
    CHECK(has(std::get<Fault>(read).hint, "point"));
    CsvRules rules;
    rules.separator = ';';
    CHECK(sheet("1;a\n", rules).columns == 1);
}

TEST_CASE("what is no number is refused with its place") {
    CHECK(wrong("x,y,c\n1,2,a\n3,NaN,b\n") == "3:3: 'NaN' is not a number to learn from");
    CHECK(wrong("x,y,c\n1,2,a\n3,-inf,b\n") == "3:3: '-inf' is too large");
    CHECK(wrong("x,y,c\n1e39,2,a\n") == "2:1: '1e39' is too large");
    CHECK(wrong("x,y,c\n1,,a\n") == "2:3: a number is missing");
    CHECK(wrong("x,y,c\n1,2,\n") == "2:5: the label is missing");
    CHECK(wrong("x,y,c\n1,2,1.5\n") == "2:5: the label '1.5' is neither a whole number nor a word");
    CHECK(wrong("x,y,c\n1,2x,a\n") == "2:3: '2x' is no number");
    CHECK(wrong("x,y,c\n1,0x10,a\n") == "2:3: '0x10' is no number");
    CHECK(wrong("x,y,c\n1,2,a\n\n\n1,2\n") == "5: the line has 2 fields, those before have 3");
    CHECK(wrong("x,y,c\n1,2,a\x1b[2J\n") == "2:5: the label 'a?[2J' has a control character in it");
}

TEST_CASE("an empty table, one with only a header, and one with only labels") {
    CHECK(wrong("") == "it is empty");
    CHECK(wrong("\n\r\n\n") == "it is empty");
    CHECK(has(wrong("x,class\n", labelled("class")), "nothing below its header"));
    CHECK(has(wrong("a\nb\n"), "no numbers beside the label"));
}

TEST_CASE("a table as wide as may be, and one column more") {
    std::string line;
    for (std::size_t i = 0; i + 1 < most_csv_columns; ++i) line += "1,";
    CHECK(sheet(line + "a\n").columns == most_csv_columns - 1);
    CHECK(has(wrong(line + "1,a\n"), "more than 65536 fields"));
}

TEST_CASE("a field as long as may be, and one byte more") {
    CHECK(sheet("1," + std::string(most_csv_field, 'a') + "\n").rows == 1);
    CHECK(has(wrong("1," + std::string(most_csv_field + 1, 'a') + "\n"), "1:3: a field of more than 4096 bytes"));
    CHECK(sheet("1,\"" + std::string(most_csv_field, 'a') + "\"\n").rows == 1);
    CHECK(has(wrong("1,\"" + std::string(most_csv_field + 2, 'a') + "\"\n"), "not closed"));
}

TEST_CASE("as many labels as may be, and one more") {
    std::string text;
    for (std::size_t i = 0; i < Labels::most_words; ++i) text += "1,w" + std::to_string(i) + "\n";
    CHECK(sheet(text).labels.words().size() == Labels::most_words);
    CHECK(has(wrong(text + "1,one too many\n"), "65537:3: there are more than 65536 different labels"));
}

TEST_CASE("whole numbers are written in one way") {
    for (const std::string word : {"7", "+7", "07", "7.0", "7.", "+007.000"}) CHECK(usual(word) == "7");
    for (const std::string word : {"0", "-0", "00", "0.0"}) CHECK(usual(word) == "0");
    CHECK(usual("-7.0") == "-7");
    for (const std::string word : {"7a", "", "-", "+", ".", ".0", "7.5", "seven", "7.0.0", "--7"}) CHECK(usual(word) == word);
}

TEST_CASE("libsvm: what is not there is zero") {
    const auto read = decode_libsvm(bytes_of("+1 1:0.5 3:2\r\n-1  2:-1e-3 # a comment 9:9\n\n1"));
    REQUIRE(std::holds_alternative<Sparse>(read));
    const auto& s = std::get<Sparse>(read);
    CHECK(s.rows() == 3);
    CHECK(s.columns == 3);
    CHECK(s.dense(4) == Numbers{0.5f, 0, 2, 0, 0, -1e-3f, 0, 0, 0, 0, 0, 0});
    CHECK(s.labels.words() == Words{"1", "-1"});
    CHECK(s.labels.of_row() == Indices{0, 1, 0});
}

TEST_CASE("libsvm: what is wrong is refused with its place") {
    CHECK(wrong_libsvm("") == "it is empty");
    CHECK(wrong_libsvm("# nothing\n\n") == "it is empty");
    CHECK(wrong_libsvm("1\n2\n") == "there is not one number beside the labels");
    CHECK(wrong_libsvm("1 1:2\ncat 1:2\n") == "2:1: the label 'cat' is no number");
    CHECK(wrong_libsvm("1.5 1:2\n") == "1:1: the label '1.5' is no whole number");
    CHECK(wrong_libsvm("nan 1:2\n") == "1:1: the label 'nan' is no number");
    CHECK(wrong_libsvm("1 0:2\n") == "1:3: the index of '0:2' is 0");
    CHECK(wrong_libsvm("1 2:2 2:3\n") == "1:7: the index of '2:3' does not come after 2");
    CHECK(wrong_libsvm("1 1:nan\n") == "1:3: the value of '1:nan' is not a number to learn from");
    CHECK(wrong_libsvm("1 1:1e40\n") == "1:3: the value of '1:1e40' is too large");
    CHECK(wrong_libsvm("1 1:\n") == "1:3: the value of '1:' is no number");
    for (const std::string entry : {"1", ":1", "a:1", "-1:1", "1;1", "qid:3"}) CHECK(has(wrong_libsvm("1 " + entry + "\n"), "is no entry"));
    CHECK(has(wrong_libsvm("1 99999999999999999999999:1\n"), "is above 1048576"));
}

TEST_CASE("libsvm: an index as large as may be, and one more") {
    CHECK(wrong_libsvm("1 1048576:1\n").empty());
    CHECK(wrong_libsvm("1 1048577:1\n") == "1:3: the index of '1048577:1' is above 1048576");
}
