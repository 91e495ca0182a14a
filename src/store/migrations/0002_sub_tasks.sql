CREATE TABLE `approvals` (
	`position` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`run_id` text NOT NULL,
	`call_id` text NOT NULL,
	`tool` text NOT NULL,
	`question` text NOT NULL,
	`details` text NOT NULL,
	`decision` text,
	`settled` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`run_id`) REFERENCES `runs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `approvals_id_unique` ON `approvals` (`id`);--> statement-breakpoint
CREATE INDEX `approvals_by_run` ON `approvals` (`run_id`);--> statement-breakpoint
ALTER TABLE `sessions` ADD `parent_run_id` text REFERENCES runs(id) ON DELETE cascade;--> statement-breakpoint
CREATE INDEX `sessions_by_parent` ON `sessions` (`parent_run_id`) WHERE parent_run_id is not null;