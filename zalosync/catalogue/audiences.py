"""Codes of audience files and of the templates that read their columns: ZS3xx."""

from zalosync.catalogue.entry import Entry

AUDIENCES = (
    Entry(
        "ZS310",
        "A pattern matches no audience file",
        "A campaign to nobody is a misspelt path more often than an empty folder.",
        "Correct the path or glob; it is relative to the file that names it.",
    ),
    Entry(
        "ZS311",
        "Not a kind of audience file that is read",
        "The name's end says what a file is: .csv, .tsv, .jsonl, .parquet, .xlsx; the text ones also .gz.",
        "Name the file by its kind, or export it as CSV.",
    ),
    Entry(
        "ZS312",
        "The first line is not a header",
        "Columns are found by their names: each has one, and no two the same.",
        "Write a first line with the names of the columns.",
    ),
    Entry(
        "ZS313",
        "The files of one audience have other columns",
        "A template would find a column in one file and not in the next.",
        "Give all files the same columns in the same order.",
    ),
    Entry(
        "ZS314",
        "A row has more or fewer fields than the header",
        "Everything after the first missing separator would stand in the wrong column.",
        "Mend the line; a separator or line break within a field needs quotes around it.",
    ),
    Entry(
        "ZS315",
        "Quotes are not closed, or stand inside a field",
        "An open quote swallows the rest of the file into one field.",
        'Close it; a quote within a quoted field is written twice: "".',
    ),
    Entry(
        "ZS316",
        "The encoding cannot be read",
        "Read by the wrong encoding, Vietnamese names would reach people as rubbish.",
        "Export the file as UTF-8.",
    ),
    Entry(
        "ZS317",
        "The audience is too large",
        "Bytes, rows, columns and fields have limits, so that no file can exhaust the machine.",
        "Split the audience into campaigns, or leave out what no template needs.",
    ),
    Entry(
        "ZS318",
        "The file was changed while it was read",
        "What was counted would not be what is sent.",
        "Wait until the export is done, and run the command again.",
    ),
    Entry(
        "ZS319",
        "The compression is refused",
        "A damaged file, or one that unpacks to far more than it says, is not unpacked.",
        "Compress it again with gzip, or leave it uncompressed.",
    ),
    Entry(
        "ZS320",
        "A control character in the file",
        "It would hide what stands around it, and no provider takes it.",
        "Export the file again as plain text.",
    ),
    Entry(
        "ZS321",
        "Not a suppression list",
        "A list of people who must not be messaged is read fully, or nothing is sent.",
        "Give it a column `phone` with numbers, and `until` with dates or nothing.",
    ),
    Entry(
        "ZS322",
        "A value that cannot be read",
        "A cell holds something that is neither text, number nor date.",
        "Mend the cell, or export the file as CSV.",
    ),
    Entry(
        "ZS323",
        "A library for this kind of file is not installed",
        "Excel files need an extra, to keep the installation small.",
        "pip install 'zalosync[excel]', or export the file as CSV.",
    ),
    Entry(
        "ZS324",
        "How an audience file was read",
        "Its encoding was recognised, not declared, or it has more sheets than are read: not an error, but "
        "worth a look at one rendered message.",
        "Save the file as UTF-8, with the rows in its first sheet; `zalosync render` shows what people get.",
    ),
)
TEMPLATES = (
    Entry(
        "ZS351",
        "A template is too large",
        "Up to 2,000 characters, 200 nodes and 20 levels; no value of a message is longer than 1,000 bytes.",
        "Shorten it; prepare the value in the audience.",
    ),
    Entry(
        "ZS352",
        "A template cannot be parsed",
        "Brackets, quotes or words are not where Jinja expects them.",
        "Check `{{ … }}` and the quotes around texts.",
    ),
    Entry(
        "ZS353",
        "Not in the template language",
        "Only columns, text, whole numbers, comparisons, conditions and filters are evaluated: no loops, "
        "calls, attributes or arithmetic, so that a template can neither reach the machine nor stop it.",
        "Use a filter, or prepare the value in the audience.",
    ),
    Entry(
        "ZS354",
        "Not a filter, or not its argument",
        "Filters and what they take are a closed list.",
        "Use one of the list that the error shows.",
    ),
    Entry(
        "ZS355",
        "The audience has no such column",
        "A message with an empty value is worse than none.",
        "Use a column of the header; names count capitals.",
    ),
    Entry(
        "ZS356",
        "An expression that cannot work",
        "Columns are text: compared with a number, they would never be equal.",
        "Compare text with text, or make a number first: `{{ amount | int > 5 }}`.",
    ),
    Entry(
        "ZS357",
        "`where` is not a condition",
        "It is one `{{ expression }}` that is a yes or a no for each row.",
        "Write a comparison, such as `{{ status == 'shipped' }}`.",
    ),
)
