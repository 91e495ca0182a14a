-- Contentless: they hold the index alone. src/store/search.ts makes the words, so the tokenizer only splits at spaces.
CREATE VIRTUAL TABLE `messages_fts` USING fts5(`words`, content='', contentless_delete=1, tokenize='ascii');
--> statement-breakpoint
CREATE VIRTUAL TABLE `memory_fts` USING fts5(`words`, content='', contentless_delete=1, tokenize='ascii');
